/** The shell scripts, embedded as text. */
declare module "*/pipeloom.bash" {
  const text: string;
  export default text;
}
declare module "*/pipeloom.zsh" {
  const text: string;
  export default text;
}
declare module "*/pipeloom.fish" {
  const text: string;
  export default text;
}
declare module "*/pipeloom.ps1" {
  const text: string;
  export default text;
}
