// The address of the Redis or Valkey on which a run meets its machines.

export const engineUrlForm = "an address as redis://host:6379, or rediss:// with TLS";

export const isEngineUrl = (text: string): boolean => /^rediss?:\/\/[^\s/]/.test(text);

/** Without user, password and options. A password may have any character. */
export const shownEngine = (url: string): string =>
  url.replace(/^(rediss?:\/\/)[^]*@/, "$1").replace(/\?.*/s, "");
