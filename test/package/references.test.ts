// What the documentation points at is there: files of the sources and the tests, the sections that the sources cite, pictures.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const pages = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
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

describe('the pictures in the README: made by `npm run screenshots`, small, and described for who does not see them', () => {
  const shown = [
    ...read('README.md').matchAll(/!\[(?<alt>[^\]]*)\]\((?<file>docs\/images\/[^)]+)\)/g),
    ...read('README.md').matchAll(/<img [^>]*alt="(?<alt>[^"]*)" src="(?<file>docs\/images\/[^"]+)"/g),
  ].map(({ groups }) => ({ alt: groups?.alt ?? '', file: groups?.file ?? '' }))

  test('every picture is shown', () => {
    const made = readdirSync(join(root, 'docs/images')).map((name) => `docs/images/${name}`)
    expect(shown.map(({ file }) => file).sort()).toEqual(made.sort())
  })

  test.each(shown)('$file is small, and is described', ({ file, alt }) => {
    expect(statSync(join(root, file)).size).toBeLessThan(60_000)
    expect(alt.split(' ').length).toBeGreaterThan(5)
  })
})
