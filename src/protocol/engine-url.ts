// The address of the Redis or Valkey on which a run meets its machines.

export const engineUrlForm =
  "an address as redis://host:6379, with the number of a database where it is not 0 (redis://host/3), or rediss:// with TLS";

/** In a command that is shown: in place of what is neither shown nor stored. */
const leftOut = "***";

export const leftOutForm = `the address with user, password and options in place of ${leftOut}, which are not stored; or without ${leftOut}@, and the password in PIPELOOM_ENGINE_PASSWORD`;

/** A password may have any character. */
export const isEngineUrl = (text: string): boolean =>
  /^rediss?:\/\/(?:[^]*@)?[^\s/?@]+(?:\/\d*)?(?:\?[^]*)?$/.test(text);

/** Whether it is from a command that was shown. */
export const isCutUrl = (text: string): boolean =>
  text.includes(`//${leftOut}@`) || text.endsWith(`?${leftOut}`);

/** Without user, password and options. A password may have any character. */
export const shownEngine = (url: string): string =>
  url.replace(/^(rediss?:\/\/)[^]*@/, "$1").replace(/\?.*/s, "");

/** The flag in a command that is shown. `***` says that something is to be given again. */
export function engineWords(url: string | null | undefined): readonly string[] {
  if (url === null || url === undefined) return [];
  const [scheme = "", rest = ""] = shownEngine(url).split("://");
  const user = url.includes("@") ? `${leftOut}@` : "";
  const options = url.replace(/^[^]*@/, "").includes("?") ? `?${leftOut}` : "";
  return ["--engine", `${scheme}://${user}${rest}${options}`];
}
