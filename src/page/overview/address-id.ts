// The number that stands for a path in addresses. Made of the path alone, so that an address is right also after a restart, whatever else is
// served then.

/** As many bits as `isStoredId` allows. Of a thousand paths, two have one number with a chance of 1 in 9,000,000,000. */
export const addressId = (path: string): number =>
  Number(BigInt.asUintN(52, BigInt(Bun.hash(path)))) || 1;
