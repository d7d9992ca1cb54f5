// The page.

import { render } from "preact";

import { Shell } from "./shell.tsx";
import "./style/main.css";

const root = document.getElementById("app");
if (root !== null) render(<Shell />, root);
