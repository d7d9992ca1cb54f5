// Whether a file is on a network file system. WAL shares memory between processes of one machine, and the locks of many
// network file systems do not work, or not between machines. SQLite cannot tell: it writes, and the file may be damaged.

import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { TextDecoder, TextEncoder } from "../base/globals.ts";
import { deviceNumbers } from "./device-numbers.ts";

/** As Linux and macOS call them. Local FUSE file systems (ntfs-3g, mergerfs) are not among them. */
const networkTypes: ReadonlySet<string> = new Set(
  [
    "nfs nfs4 cifs smb2 smb3 smbfs 9p afs afpfs ncpfs coda ceph lustre gpfs beegfs orangefs glusterfs webdav davfs ftp",
    "fuse.sshfs fuse.rclone fuse.glusterfs fuse.ceph fuse.ceph-fuse fuse.s3fs fuse.gcsfuse fuse.goofys",
    "fuse.mount-s3 fuse.juicefs fuse.davfs fuse.curlftpfs",
  ].flatMap((names) => names.split(" ")),
);

/** E.g. `nfs4, server:/export`; undefined on a local disk, and where it is unknown. @param path may not exist yet */
export async function networkDisk(path: string): Promise<string | undefined> {
  if (path === ":memory:") return undefined;
  try {
    if (process.platform === "linux")
      return networkMount(readFileSync("/proc/self/mountinfo", "utf8"), deviceOf(path));
    if (process.platform === "darwin") return networkVolume(await statfsOnMacOs(existing(path)));
    const isShare = process.platform === "win32" && /^\\\\[^?.]/.test(resolve(path));
    return isShare ? "a network share" : undefined;
  } catch {
    return undefined;
  }
}

function existing(path: string): string {
  const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
  return realpathSync(isThere ? path : dirname(resolve(path)));
}

const deviceOf = (path: string): bigint => statSync(existing(path), { bigint: true }).dev;

/**
 * @param mounts lines like `36 35 0:52 / /mnt rw,noatime shared:1 - nfs4 server:/export rw`
 * @param dev `st_dev` of the file
 */
export function networkMount(mounts: string, dev: bigint): string | undefined {
  const { major, minor } = deviceNumbers(dev);
  const device = `${major}:${minor}`;
  const fields = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .find((each) => each[2] === device);
  if (fields === undefined) return undefined;
  const [type = "", source = ""] = fields.slice(fields.indexOf("-") + 1);
  return shown(type, source);
}

const shown = (type: string, source: string): string | undefined =>
  networkTypes.has(type) ? `${type}, ${source}` : undefined;

/** `struct statfs` of macOS: the offsets of `f_fstypename` and `f_mntfromname`, and the size. */
const typeAt = 72;
const sourceAt = 1112;
const statfsBytes = 2168;

/** @param statfs the bytes of `struct statfs` of macOS */
export const networkVolume = (statfs: Uint8Array): string | undefined =>
  shown(textAt(statfs, typeAt), textAt(statfs, sourceAt));

function textAt(bytes: Uint8Array, start: number): string {
  return new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
}

async function statfsOnMacOs(path: string): Promise<Uint8Array> {
  // Loaded here: no other system needs it, and a writer's thread should start fast.
  const { openLibc } = await import("../base/libc.ts");
  const { ptr } = await import("bun:ffi");
  const name = process.arch === "arm64" ? "statfs" : "statfs$INODE64";
  const libc = openLibc({ [name]: { args: ["ptr", "ptr"], returns: "int" } });
  const bytes = new Uint8Array(statfsBytes);
  const isDone = libc?.[name]?.(ptr(new TextEncoder().encode(`${path}\0`)), ptr(bytes)) === 0;
  return isDone ? bytes : new Uint8Array(statfsBytes);
}
