/** `import script from "./program-guard.sh" with { type: "text" }` embeds the file in the executable. */
declare module "*.sh" {
  const script: string;
  export default script;
}
