// Tags of machines: a worker has some, and a task may run only where there are those that its `on` names. Pure.

/** The tags that a task asks for, sorted and joined by commas; "" where it runs on every machine. */
export type TagSet = string;

export const noTags: TagSet = "";

/** What may be a tag. */
export const tagForm = "letters, digits, `.`, `_` and `-`";

export const isTag = (text: unknown): boolean =>
  typeof text === "string" && /^[\p{L}\p{N}._-]{1,64}$/u.test(text);

export const tagSetOf = (tags: readonly string[]): TagSet =>
  [...new Set(tags)].toSorted().join(",");

export const tagsIn = (set: TagSet): readonly string[] => (set === noTags ? [] : set.split(","));

/** Whether a machine with these tags has all of the set. */
export const hasTags = (tags: readonly string[], set: TagSet): boolean =>
  tagsIn(set).every((tag) => tags.includes(tag));

/** `the tag gpu`, `the tags big and gpu` */
export const tagWords = (tags: readonly string[]): string =>
  `${tags.length === 1 ? "the tag" : "the tags"} ${tags.join(" and ")}`;
