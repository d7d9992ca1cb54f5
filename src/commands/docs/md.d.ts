/** `import guide from "./guide.md" with { type: "text" }`: embedded, so the executable carries it. */
declare module "*.md" {
  const text: string;
  export default text;
}
