// The table in README.md names, for each mistake in a set-up, a test that is there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8')
const table = read('README.md')
const rows = [...table.matchAll(/^\| (M\d+) \| (.+) \| \[.+\]\((.+?)\) \| `(.+)` \|$/gm)].map(
  ([, row = '', mistake = '', file = '', name = '']) => ({ row, mistake, file, name }),
)

test('every mistake has its row, and every line of the table is one', () => {
  const all = Array.from({ length: 23 }, (_, index) => `M${index + 1}`)
  expect([...new Set(rows.map(({ row }) => row))]).toEqual(all)
  expect(rows).toHaveLength(table.match(/^\| M/gm)?.length ?? 0)
})

test.each(rows)('$row: $mistake', ({ file, name }) => {
  expect(["'", '`', '"'].some((quote) => read(file).includes(quote + name))).toBe(true)
})
