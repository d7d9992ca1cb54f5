/** `import sql from "./0001.sql" with { type: "text" }`: embedded, so the executable carries it. */
declare module "*.sql" {
  const text: string;
  export default text;
}
