// The bundler takes a stylesheet that is imported.

declare module "*.css";
