// The table in README.md names, for each hard case, files that have a test of it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const table = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
const rows = [...table.matchAll(/^\| (H\d+) \|.*\| (.*) \|$/gm)].map(([, row = '', where = '']) => ({
  row,
  files: [...where.matchAll(/\]\(([^)]+)\)/g)].map(([, file = '']) => file),
}))

test('every hard case has its row', () => {
  // Not yet: two versions of a record at once.
  const all = Array.from({ length: 40 }, (_, index) => `H${index + 1}`)
  expect(rows.map(({ row }) => row)).toEqual(all.filter((row) => row !== 'H39'))
})

test.each(rows)('$row is tested where the table says', ({ row, files }) => {
  expect(files).not.toEqual([])
  for (const file of files) {
    expect(readFileSync(join(import.meta.dirname, file), 'utf8')).toMatch(new RegExp(`['"\`]${row}: `))
  }
})
