// The pages of the documentation's site: which file is where, and what is done to it so that its links work there.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** In the order of the site's menu. A page of `docs/` that stands nowhere here is a guide. */
export const GROUPS = {
  Start: [
    'docs/get-refresh-tokens.md',
    'docs/from-express-openid-connect.md',
    'docs/providers/README.md',
    'docs/providers.md',
    'docs/options.md',
    'docs/errors.md',
    'docs/doctor.md',
  ],
  Guides: [
    'docs/single-page-apps.md',
    'docs/react-vite.md',
    'docs/server-rendered-apps.md',
    'docs/relay.md',
    'docs/nestjs.md',
    'docs/typescript.md',
    'docs/testing.md',
  ],
  Operations: [
    'docs/operating.md',
    'docs/deploying.md',
    'docs/telemetry.md',
    'docs/events.md',
    'docs/renewal.md',
    'docs/performance.md',
  ],
  Project: ['SECURITY.md', 'docs/standards.md', 'test/renewal/README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'],
}

/** @typedef {{ file: string, title: string, group: string | undefined, parent: string | undefined }} Page */

/**
 * Every page but the README, in the order of the menu.
 *
 * @param {string} root
 * @returns {Page[]}
 */
export function sitePages(root) {
  const listed = Object.entries(GROUPS).flatMap(([group, files]) => files.map((file) => ({ group, file })))
  const others = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((file) => `docs/${file}`)
    .filter((file) => file.endsWith('.md') && listed.every((one) => one.file !== file))
    .sort()
    .map((file) => ({ group: 'Guides', file }))
  return Object.keys(GROUPS)
    .flatMap((group) => [...listed, ...others].filter((page) => page.group === group))
    .map(({ group, file }) => {
      const parent = `${posix.dirname(file)}/README.md`
      const isChild = parent !== file && listed.some((one) => one.file === parent)
      const title = /^# (.*)$/m.exec(readFileSync(join(root, file), 'utf8'))?.[1] ?? file
      return { file, title, group: isChild ? undefined : group, parent: isChild ? parent : undefined }
    })
}

/** Where a page is on the site. @param {string} file */
export function addressOf(file) {
  return file
    .replace(/\/?README\.md$/, '/index.md')
    .replace(/\.md$/, '')
    .toLowerCase()
}

/**
 * Writes a copy of each page, with what the site has to know of it, at the same path below `folder`.
 *
 * @param {string} root
 * @param {string} folder
 * @param {(file: string) => string} sourceOf the address of a file that has no page of its own
 */
export function writePages(root, folder, sourceOf) {
  const pages = sitePages(root)
  const files = ['README.md', ...pages.map(({ file }) => file)]
  const isOnSite = (/** @type {string} */ file) => files.includes(file) || file.startsWith('docs/images/')
  for (const file of files) {
    const page = pages.find((one) => one.file === file)
    const text = readFileSync(join(root, file), 'utf8')
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(
      join(folder, file),
      (page ? frontMatter(page, pages) : '') +
        withLinks(text, file, (to) => (isOnSite(to) ? undefined : sourceOf(to))),
    )
  }
  cpSync(join(root, 'docs/images'), join(folder, 'docs/images'), { recursive: true })
}

/** @param {Page} page @param {readonly Page[]} pages */
function frontMatter({ file, title, group }, pages) {
  const children = pages.filter(({ parent }) => parent === file).map((child) => posix.basename(child.file))
  const said = {
    title,
    address: addressOf(file),
    ...(group && { group }),
    ...(children.length > 0 && { children }),
  }
  const lines = Object.entries(said).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
  return `---\n${lines.join('')}---\n\n`
}

/**
 * @param {string} text
 * @param {string} file where the text stands
 * @param {(file: string) => string | undefined} replacement
 */
function withLinks(text, file, replacement) {
  return text.replace(/\]\((?!\w+:|#)([^)#]+)([^)]*)\)/g, (link, path, anchor) => {
    const to = replacement(posix.join(posix.dirname(file), path))
    return to === undefined ? link : `](${to}${anchor})`
  })
}
