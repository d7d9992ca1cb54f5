// A minimal root file system like the container image's: musl, the C++ library, and the executable. Without Alpine,
// Debian's musl loads glibc's C++ library, and a small stub provides the glibc symbols that it needs.

import { chmodSync, copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const loader = "/lib/ld-musl-x86_64.so.1";
const libraries = [
  "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
  "/lib/x86_64-linux-gnu/libgcc_s.so.1",
];

/** glibc symbols that libstdc++ and libgcc use, and that musl lacks or names differently. */
const standIn = `
#include <stddef.h>
extern int getentropy(void *, size_t);
extern size_t strftime_l(char *, size_t, const char *, const void *, void *);
char __libc_single_threaded = 0;
unsigned arc4random(void) { unsigned n = 0; getentropy(&n, sizeof n); return n; }
size_t __strftime_l(char *s, size_t m, const char *f, const void *t, void *l) { return strftime_l(s, m, f, t, l); }
int __cxa_thread_atexit_impl(void (*f)(void *), void *a, void *d) { (void)f; (void)a; (void)d; return 0; }
int _dl_find_object(void *at, void *found) { (void)at; (void)found; return -1; }
int __cpu_indicator_init(void) { return 0; }
struct { unsigned vendor, type, subtype, features; } __cpu_model;
`;

/** Requires root, Debian's package \`musl\` and a C compiler. */
export const canMakeMuslRoot = (): boolean =>
  process.getuid?.() === 0 &&
  [loader, ...libraries].every((path) => existsSync(path)) &&
  ["gcc", "unshare", "chroot"].every((tool) => Bun.which(tool) !== null);

/** The same layout as the Dockerfile: the executable, and /data writable for an ordinary user. */
export async function makeMuslRoot(root: string, executable: string): Promise<void> {
  for (const folder of ["lib", "usr/lib", "usr/local/bin", "data", "dev", "proc", "tmp"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  chmodSync(join(root, "data"), 0o777);
  copyFileSync(loader, join(root, loader));
  for (const library of libraries) {
    copyFileSync(library, join(root, "usr/lib", library.slice(library.lastIndexOf("/"))));
  }
  copyFileSync(executable, join(root, "usr/local/bin/pipeloom"));
  await Bun.write(join(root, "tmp/stand-in.c"), standIn);
  const name = "ld-linux-x86-64.so.2"; // the library's DT_NEEDED entry
  const output = join(root, "usr/lib", name);
  await Bun.$`gcc -shared -fPIC -nostdlib -O1 -Wl,-soname,${name} -o ${output} ${join(root, "tmp/stand-in.c")}`;
}

/** Bind-mounts the machine's devices. */
const enter = `
root=$1 chroot=$2
shift 2
mount -t proc proc "$root/proc"
for device in null urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
exec env -i HOME=/data "$chroot" --userspec=1000:1000 "$root" "$@"
`;

/** The command line to run a command in the root as user 1000. Its mounts end with it. */
export function inMuslRoot(root: string, args: readonly string[]): string[] {
  const chroot = Bun.which("chroot") ?? "chroot";
  return ["unshare", "--mount", "sh", "-ec", enter, "sh", root, chroot, ...args];
}
