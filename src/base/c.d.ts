/** `import source from "./signals.c" with { type: "text" }` embeds the file in the executable. */
declare module "*.c" {
  const source: string;
  export default source;
}
