// What the compiler says of values that are not JSON: a task's input and result cross threads and are stored as JSON, and
// nothing is converted in silence.

type Scalar = string | number | boolean | null | undefined | void;

/**
 * T itself if it is JSON. In the place of what is not, a text that says so: the compiler shows it, as in `Type 'Date' is not
 * assignable to type '"a Date is not JSON: …"'`.
 */
type JsonValue<T> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? T
    : T extends Scalar
      ? T
      : T extends object
        ? T extends NotJson
          ? NotJsonText<T>
          : { [Key in keyof T]: JsonValue<T[Key]> }
        : NotJsonText<T>;

type Bytes = ArrayBufferView | ArrayBufferLike;

/* oxlint-disable typescript/no-explicit-any */
type AnyFunction = (...args: any) => any;

/** Objects that JSON has no word for. */
export type NotJson =
  | Date
  | ReadonlyMap<any, any>
  | ReadonlySet<any>
  | WeakMap<any, any>
  | WeakSet<any>
  | RegExp
  | Error
  | Bytes
  | PromiseLike<any>
  | AnyFunction;
/* oxlint-enable typescript/no-explicit-any */

export type NotJsonText<T> = T extends Date
  ? "a Date is not JSON: pass date.toISOString()"
  : T extends ReadonlyMap<infer _K, infer _V>
    ? "a Map is not JSON: pass Object.fromEntries(map) or [...map]"
    : T extends ReadonlySet<infer _V>
      ? "a Set is not JSON: pass [...set]"
      : T extends bigint
        ? "a bigint is not JSON: pass String(n)"
        : T extends AnyFunction
          ? "a function is not JSON"
          : T extends PromiseLike<infer _R>
            ? "a promise is not JSON: await it"
            : T extends Bytes
              ? "bytes are not JSON: pass them as text, e.g. bytes.toBase64()"
              : "this is not JSON: pass plain objects, lists, texts, numbers, true, false or null";

/** To be intersected with T, the type of a parameter that takes a JSON value: rejects others, and says why. */
export type Json<T> = [T] extends [infer Same]
  ? [Same] extends [JsonValue<Same>]
    ? unknown
    : JsonValue<Same>
  : never;

/**
 * To be intersected with the options of a task: rejects a `run` whose result is not JSON, and says why. It stands beside
 * `run`, and its text is about `Same`, because the compiler would infer Out from it too: of the members of a union, the first.
 */
export type JsonResult<Out> = [Out] extends [infer Same]
  ? [Same] extends [JsonValue<Same>]
    ? unknown
    : { run(...args: never): JsonValue<Same> | Promise<JsonValue<Same>> }
  : never;
