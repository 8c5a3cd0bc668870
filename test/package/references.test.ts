// What the documentation points at is there: files of the sources and the tests, and the sections that the sources cite.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const pages = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

test.each(pages)('%s names only files that exist', (page) => {
  const named = [...read(page).matchAll(/`((?:src|test|example-app|docs)\/[\w./-]+\.\w+)`/g)].map(
    ([, file = '']) => file,
  )
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

const rows = [
  ...read('docs/standards.md').matchAll(
    /^\| ([^|]*§?[\d.]+[^|]*) \| .* \| `(src\/.*)` \| `(test\/.*)` \|$/gm,
  ),
]

test('the table of the standards has its rows', () => {
  expect(rows.length).toBeGreaterThan(30)
})

test.each(rows.map(([, section = '', code = '']) => ({ section, code })))(
  '$code cites $section',
  ({ section, code }) => {
    const source = read(code).replace(/\s+(?:\/\/|\*) /g, ' ')
    for (const cited of section.split(', ')) expect(source).toContain(cited)
  },
)
