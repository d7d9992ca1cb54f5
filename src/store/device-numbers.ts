// Numbers of devices, as Linux packs them into `st_dev`.

type DeviceNumbers = { readonly major: bigint; readonly minor: bigint };

export const deviceNumbers = (dev: bigint): DeviceNumbers => ({
  major: ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xffff_f000n),
  minor: (dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n),
});
