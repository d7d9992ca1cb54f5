import { expect, test } from "bun:test";

import { hideSecretsIn } from "../../src/base/secret-name.ts";

test.each([
  ['{"limit":1}', '{"limit":1}'],
  [
    '{"apiToken":"x","db":{"password":"y","host":"h"}}',
    '{"apiToken":"***","db":{"password":"***","host":"h"}}',
  ],
  ['{"headers":{"Cookie":"x","Accept":"y"}}', '{"headers":{"Cookie":"***","Accept":"y"}}'],
  ['[{"API_KEY":"x"}]', '[{"API_KEY":"***"}]'],
  // A number is no secret, and nothing is hidden where there is nothing.
  ['{"max_tokens":100,"token":""}', '{"max_tokens":100,"token":""}'],
  ['{"tokens":["a",{"of":"b","n":1}]}', '{"tokens":["***",{"of":"***","n":1}]}'],
  ["no JSON, but a token", "no JSON, but a token"],
])("%s", (json, shown) => {
  expect(hideSecretsIn(json)).toBe(shown);
});
