// npm run docs: makes the documentation's site in `site/`, of README.md, docs/*.md and the comments on what is exported.
// Fails where a link leads nowhere.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix, resolve } from 'node:path'
import { Application, Comment, CommentTag, Converter, JSX, KindRouter } from 'typedoc'
import { address } from './address.mjs'
import { linkNames } from './docs-site/api-links.mjs'
import { brokenLinks } from './docs-site/broken-links.mjs'
import { GROUPS, sitePages, writePages } from './docs-site/pages.mjs'

const root = join(import.meta.dirname, '..')
const site = resolve(process.argv[2] ?? join(root, 'site'))
const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { web } = address()
const { GITHUB_REF_TYPE: kind, GITHUB_REF_NAME: tag } = process.env
const sourceOf = (/** @type {string} */ file) => `${web}/blob/${kind === 'tag' ? tag : 'HEAD'}/${file}`

const REFERENCE = 'API reference'
const groups = [...Object.keys(GROUPS), REFERENCE]

/** What an app imports, and its folder. */
const entries = Object.keys(exports)
  .filter((entry) => !entry.endsWith('.json'))
  .map((entry) => ({ name: posix.join(name, entry), folder: posix.join('src', entry) }))

/** Pages stay where they are when their headings change. */
class Router extends KindRouter {
  /** @override @param {import('typedoc').Reflection} reflection */
  getIdealBaseName(reflection) {
    return reflection.isDocument() ? `${reflection.frontmatter.address}` : super.getIdealBaseName(reflection)
  }
}

const folder = mkdtempSync(join(tmpdir(), `${name}-docs-`))
try {
  writePages(root, folder, sourceOf)
  const app = await Application.bootstrap({
    name,
    out: site,
    tsconfig: join(root, 'scripts/docs-site/tsconfig.json'),
    basePath: root,
    entryPoints: entries.map((entry) => join(root, entry.folder, 'index.ts')),
    readme: join(folder, 'README.md'),
    projectDocuments: sitePages(root)
      .filter(({ parent }) => parent === undefined)
      .map(({ file }) => join(folder, file)),
    excludeInternal: true,
    excludeExternals: true,
    disableGit: true,
    sourceLinkTemplate: sourceOf('{path}#L{line}'),
    sort: ['source-order'],
    sortEntryPoints: false,
    groupOrder: [...groups, 'Functions', 'Classes', '*'],
    includeHierarchySummary: false,
    navigation: { includeGroups: true, excludeReferences: true },
    navigationLinks: { GitHub: web, npm: `https://www.npmjs.com/package/${name}` },
    visibilityFilters: {},
    headings: { readme: false, document: false },
    customCss: join(import.meta.dirname, 'docs-site/site.css'),
    highlightLanguages: ['html', 'ini', 'js', 'json', 'jsx', 'sh', 'ts', 'tsx', 'yaml'],
    searchInDocuments: true,
    searchInComments: true,
    // Who looks for a word reads about it first.
    searchGroupBoosts: Object.fromEntries(Object.keys(GROUPS).map((group) => [group, 4])),
    // What is not exported is shown by its name.
    validation: { invalidLink: true, invalidPath: true, notExported: false },
  })
  app.renderer.defineRouter('by-file', Router)
  app.options.setValue('router', 'by-file')
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const { name, folder } of entries) {
      const module = project.getChildByName([folder])
      if (module === undefined) throw new Error(`no module is of ${folder}`)
      module.name = name
      module.comment ??= new Comment()
      module.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: REFERENCE }]))
    }
  })
  app.renderer.hooks.on('head.end', openMenu)
  const project = await app.convert()
  if (project === undefined) throw new Error('the sources do not compile: npm run types')
  app.validate(project)
  await app.generateOutputs(project)
  linkNames(site, name)
  const broken = brokenLinks(site)
  for (const { page, link } of broken) console.error(`site/${page}: ${link} leads nowhere`)
  if (app.logger.hasErrors() || app.logger.hasWarnings() || broken.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Who comes for the first time sees what there is. TypeDoc remembers what they close. */
function openMenu() {
  const keys = JSON.stringify(groups.map((group) => `tsd-accordion-${group}`))
  const script = `try { for (const key of ${keys}) localStorage[key] ??= true } catch {}`
  return JSX.createElement('script', null, JSX.createElement(JSX.Raw, { html: script }))
}
