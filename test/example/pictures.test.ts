// The pictures in the README: made by `npm run screenshots`, small, and described for who does not see them.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const shown = [
  ...readme.matchAll(/!\[(?<alt>[^\]]*)\]\((?<file>docs\/images\/[^)]+)\)/g),
  ...readme.matchAll(/<img [^>]*alt="(?<alt>[^"]*)" src="(?<file>docs\/images\/[^"]+)"/g),
].map(({ groups }) => ({ alt: groups?.alt ?? '', file: groups?.file ?? '' }))

test('every picture is shown', () => {
  const made = readdirSync(join(root, 'docs/images')).map((name) => `docs/images/${name}`)
  expect(shown.map(({ file }) => file).sort()).toEqual(made.sort())
})

test.each(shown)('$file is small, and is described', ({ file, alt }) => {
  expect(statSync(join(root, file)).size).toBeLessThan(60_000)
  expect(alt.split(' ').length).toBeGreaterThan(5)
})
