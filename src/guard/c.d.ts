/** `import source from "./signals.c" with { type: "text" }`: embedded, so the executable carries it. */
declare module "*.c" {
  const source: string;
  export default source;
}
