// The links of the documentation: to files that are there, on GitHub, on npmjs.com (which rewrites relative links by `repository`), in
// an installed package and on the site that `npm run docs` makes.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { linkNames } from '../../scripts/docs-site/api-links.mjs'
import { brokenLinks } from '../../scripts/docs-site/broken-links.mjs'
import { sitePages, writePages } from '../../scripts/docs-site/pages.mjs'
import { readPage } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
const IN_DOCS = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md'))
  .map((file) => `docs/${file}`)
const PACKED = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...IN_DOCS]
const pages = [...PACKED, 'CONTRIBUTING.md', 'test/renewal/README.md']

const proseOf = (page: string) => readPage(page).replace(/^```.*?^```$|`[^`\n]*`/gms, '')

/** The relative links of a page, as paths in the repository. */
function linksOf(page: string): string[] {
  const links = [
    ...proseOf(page).matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)|(?:src|href)="(?!\w+:|#)([^"#]+)/g),
  ]
  return links.map(([, link = '', other = '']) => posix.join(posix.dirname(page), link || other))
}

test.each(pages)('every relative link of %s leads to a file', (page) => {
  expect(linksOf(page).filter((file) => !existsSync(join(root, file)))).toEqual([])
  // npmjs.com takes a link from the top for one of its own.
  expect(proseOf(page)).not.toMatch(/\]\(\/|(?:src|href)="\//)
})

test.each(PACKED)(
  'where %s is installed, its links to pages lead to pages that are installed too',
  (page) => {
    const inRepository = ['CONTRIBUTING.md', 'test/renewal/README.md']
    const toPages = linksOf(page).filter((file) => file.endsWith('.md'))
    expect(toPages.filter((file) => !PACKED.includes(file) && !inRepository.includes(file))).toEqual([])
  },
)

/** What a newcomer looks for. */
const ONE_CLICK = [
  'docs/testing.md',
  'docs/from-express-openid-connect.md',
  'docs/operating.md',
  'docs/doctor.md',
  'docs/errors.md',
]

test.each(ONE_CLICK)('the first part of the README leads to %s in one click', (page) => {
  const [first = ''] = readPage('README.md').split('\n## ')
  expect(first.split('\n').length).toBeLessThan(70)
  expect(first).toContain(`](${page})`)
})

test('the README has no two pictures in one block of HTML: npmjs.com finds the first only', () => {
  const blocks = readPage('README.md').split(/\n\n+/)
  const ofHtml = blocks.filter((block) => /^\s*<(?:p|div|table)\b|^\s*<img [^>]*>\s*$/m.test(block))
  expect(ofHtml.filter((block) => (block.match(/<img /g) ?? []).length > 1)).toEqual([])
})

describe('the site', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'express-bff-session-site-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const write = (files: Record<string, string>) => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
  }
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')

  test('has every page of the documentation, once', () => {
    const files = sitePages(root).map(({ file }) => file)
    expect(files).toEqual([...new Set(files)])
    expect([...files].sort()).toEqual([...pages].filter((file) => file !== 'README.md').sort())
  })

  test('takes a link to a page for one within the site, and any other to the repository', () => {
    writePages(root, folder, (file) => `https://git.example.com/${file}`)
    expect(read('README.md')).toContain('](docs/relay.md)')
    expect(read('README.md')).toContain('](test/renewal/README.md)')
    expect(read('README.md')).toContain('](https://git.example.com/example-app/sessions.ts)')
    expect(read('test/renewal/README.md')).toContain(
      '](https://git.example.com/test/renewal/rotation.test.ts)',
    )
    expect(read('docs/options.md')).toMatch(
      /^---\ntitle: "Options"\naddress: "docs\/options"\ngroup: "Start"\n---\n/,
    )
    expect(read('docs/providers/README.md')).toMatch(/^children: \["adfs\.md",/m)
  })

  test('is refused with a link to no page, or to no place on a page', () => {
    write({
      'index.html':
        '<a href="docs/a.html">a</a> <a href="docs/a.html#here">a</a> <a href="https://example.com/x">b</a>',
      'docs/a.html':
        '<h2 id="here"></h2> <a href="../index.html">home</a> <a href="#there">b</a> <img src="c.webp">',
      'docs/b.html': '<a href="a.html#nowhere">a</a> <a href="#">b</a> <a href="d.html?a=1&amp;b=2">d</a>',
    })
    expect(brokenLinks(folder)).toEqual([
      { page: 'docs/a.html', link: '#there' },
      { page: 'docs/a.html', link: 'c.webp' },
      { page: 'docs/b.html', link: 'a.html#nowhere' },
      { page: 'docs/b.html', link: 'd.html?a=1&b=2' },
    ])
  })

  test('leads from the first mention of a name to the reference, and from no link or heading', () => {
    write({
      'functions/bff.auth.html': '',
      'interfaces/bff.RequestOidc.html': '<a id="fetch"></a>',
      'docs/a.html':
        '<h1><code>auth()</code></h1><a href="x"><code>auth()</code></a><p><code>auth(options)</code>, <code>auth(options)</code>, ' +
        '<code>req.oidc.fetch(url)</code>, <code>req.oidc.other</code>, <code>other</code></p>',
    })
    linkNames(folder, 'bff')
    expect(read('docs/a.html')).toBe(
      '<h1><code>auth()</code></h1><a href="x"><code>auth()</code></a><p>' +
        '<a href="../functions/bff.auth.html"><code>auth(options)</code></a>, <code>auth(options)</code>, ' +
        '<a href="../interfaces/bff.RequestOidc.html#fetch"><code>req.oidc.fetch(url)</code></a>, ' +
        '<code>req.oidc.other</code>, <code>other</code></p>',
    )
  })
})
