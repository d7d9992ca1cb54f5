/** `import script from "./program-reaper.sh" with { type: "text" }` embeds the file in the executable. */
declare module "*.sh" {
  const script: string;
  export default script;
}
