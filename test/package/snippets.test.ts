// Every JavaScript snippet of the documentation is right by the types, so that no option in it is made up.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { type Snippet, snippetsOf } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`)].filter((file) =>
  file.endsWith('.md'),
)
const snippets = pages.flatMap(snippetsOf).filter(({ language }) => language === 'js' || language === 'ts')

/** What a snippet that shows only a part leaves out. */
const SURROUNDINGS = `import express from 'express'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { auth, handleUpgrade, isAuthError, relay, requireAuth, requireClaim, requireFresh, requireStepUp } from 'express-bff-session'
declare const app: express.Express
declare const chat: { handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void }
declare const staff: { find(sub: string): Promise<{ roles: string[] } | undefined> }
declare module 'express-session' { interface SessionData { lastVisit: number; draft?: Record<string, string> } }
`

let folder: string
beforeAll(() => {
  // Inside the project, so that imports are found as they are by its own sources.
  folder = mkdtempSync(join(root, 'test/.snippets-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const BROWSER_MODULE = [join(root, 'src/browser/index.ts')]
const isOfPage = ({ code }: Snippet) => /from '(?:express-bff-session\/browser|\/bff\.js)'/.test(code)

test.each<[where: string, isThere: (snippet: Snippet) => boolean, more: ts.CompilerOptions]>([
  ['on a server', (snippet) => !isOfPage(snippet), {}],
  // What is not said of a parameter's type in JavaScript is nobody's mistake there.
  [
    'in a page',
    isOfPage,
    {
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: [],
      noImplicitAny: false,
      paths: { 'express-bff-session/browser': BROWSER_MODULE, '/bff.js': BROWSER_MODULE },
    },
  ],
])(
  'every snippet that runs %s type-checks',
  (_where, isThere, more) => {
    const here = snippets.filter(isThere)
    const files = new Map(here.map((snippet) => [write(snippet), snippet]))
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    // An undefined variable of the environment is the environment's mistake, found at start-up.
    const program = ts.createProgram([...files.keys()], {
      ...options,
      exactOptionalPropertyTypes: false,
      ...more,
    })
    const mistakes = ts.getPreEmitDiagnostics(program).map((diagnostic) => {
      const snippet = files.get(diagnostic.file?.fileName ?? '')
      return `${snippet?.file}:${snippet?.line} ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`
    })
    expect(mistakes).toEqual([])
    expect(here.length).toBeGreaterThanOrEqual(4)
  },
  60_000,
)

function write(snippet: Snippet): string {
  const { code, file: page, line } = snippet
  const file = join(folder, `${page.replace(/\W/g, '-')}-${line}.mts`)
  const isWhole = isOfPage(snippet) || code.includes("from 'express-bff-session'")
  writeFileSync(file, isWhole ? code : SURROUNDINGS + code)
  return file
}
