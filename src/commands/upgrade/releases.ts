// The server of the releases. Paths are those of GitHub, and a mirror has the same.

import { homepage } from "../../../package.json";
import { messageOf } from "../../base/fetch-problem.ts";
import { UserError } from "../../cli/user-error.ts";

/** `PIPELOOM_RELEASES` names a mirror; install.sh reads it too. */
export const releasesUrl = (env: Readonly<Record<string, string | undefined>>): string =>
  (env["PIPELOOM_RELEASES"] ?? `${homepage}/releases`).replace(/\/+$/, "");

/** `/latest` redirects to the latest release. @throws UserError */
export async function latestVersion(releases: string): Promise<string> {
  const url = `${releases}/latest`;
  const response = await reach(url, { redirect: "manual" });
  const to = response.headers.get("location") ?? "";
  const [, version] = /\/tag\/v([^/?#]+)$/.exec(to) ?? [];
  if (version !== undefined) return version;
  throw new UserError(`${url} names no release (status ${response.status})`, networkHint);
}

/** A complete file of a release. @throws UserError, also when the connection breaks */
export async function downloadFile(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await reach(url);
  if (!response.ok) {
    throw new UserError(
      `cannot download ${url}: status ${response.status}`,
      "nothing was changed; check that this version exists for this system",
    );
  }
  const bytes = await bodyOf(response, url);
  const announced = response.headers.get("content-length");
  const whole = announced === null || Number(announced) === bytes.length;
  if (!whole && response.headers.get("content-encoding") === null) {
    throw broken(url, new Error(`${bytes.length} of ${announced} bytes received`));
  }
  return bytes;
}

async function bodyOf(response: Response, url: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw broken(url, error);
  }
}

const networkHint = "nothing was changed; check the network and run this again";

async function reach(url: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw broken(url, error);
  }
}

const broken = (url: string, error: unknown): UserError =>
  new UserError(`cannot download ${url}: ${messageOf(error)}`, networkHint);
