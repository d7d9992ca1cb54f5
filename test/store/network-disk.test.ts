import { expect, test } from "bun:test";

import { networkDisk, networkMount, networkVolume } from "../../src/store/network-disk.ts";
import { networkNotice } from "../../src/store/write/session-opener.ts";
import { tempFolder } from "./write/temp-folder.ts";

const mounts = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/root rw
36 27 0:52 / /mnt/data rw,noatime shared:1 master:2 - nfs4 server:/export rw,vers=4.2
37 27 0:53 / /mnt/me rw - fuse.sshfs me@host:/home rw,user_id=0
38 27 259:300 / /mnt/disk rw - fuseblk /dev/nvme0n1p1 rw
39 27 0:55 / /mnt/c rw - 9p drvfs rw
`;

const device = (major: bigint, minor: bigint): bigint =>
  (major << 8n) | (minor & 0xffn) | ((minor & ~0xffn) << 12n);

test("Linux: by the mount of the file's device", () => {
  expect(networkMount(mounts, device(0n, 52n))).toBe("nfs4, server:/export");
  expect(networkMount(mounts, device(0n, 53n))).toBe("fuse.sshfs, me@host:/home");
  expect(networkMount(mounts, device(0n, 55n))).toBe("9p, drvfs");
  expect(networkMount(mounts, device(254n, 0n))).toBeUndefined();
  expect(networkMount(mounts, device(259n, 300n))).toBeUndefined();
  expect(networkMount(mounts, device(9n, 9n))).toBeUndefined();
});

/** The bytes of `struct statfs`. */
const volume = (type: string, source: string): Uint8Array => {
  const bytes = new Uint8Array(2168);
  bytes.set(Buffer.from(type), 72);
  bytes.set(Buffer.from(source), 1112);
  return bytes;
};

test("macOS: by the name in `struct statfs`", () => {
  expect(networkVolume(volume("smbfs", "//me@server/share"))).toBe("smbfs, //me@server/share");
  expect(networkVolume(volume("apfs", "/dev/disk1s1"))).toBeUndefined();
  expect(networkVolume(new Uint8Array(2168))).toBeUndefined();
});

test("a file that is not there yet is looked for in its folder, and memory is no disk", async () => {
  using folder = tempFolder();
  const local = await networkDisk(folder.path);
  expect(await networkDisk(folder.file("new.db"))).toBe(local);
  expect(await networkDisk(folder.file("no/such/folder.db"))).toBeUndefined();
  expect(await networkDisk(":memory:")).toBeUndefined();
});

test("the warning says what is not safe, and the next step", () => {
  expect(networkNotice("/mnt/a.db", "nfs4, nas:/", true)).toBe(
    "/mnt/a.db is on a network file system (nfs4, nas:/): locks and the write-ahead log are not safe there, and another " +
      "machine that uses the file can damage it; choose a local disk with --db, or --no-wal if only this machine uses it",
  );
  expect(networkNotice("/mnt/a.db", "nfs4, nas:/", false)).not.toMatch(/wal|write-ahead/);
});
