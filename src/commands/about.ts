// What the program is called, and what it is.

export const about = {
  name: "pipeloom",
  description: "Many tasks at once, each state and row in one SQLite file",
} as const;
