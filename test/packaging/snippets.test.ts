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
import { auth, isAuthError, requireAuth, requireClaim, requireFresh, requireStepUp } from 'express-bff-session'
declare const app: express.Express
declare const staff: { find(sub: string): Promise<{ roles: string[] } | undefined> }
declare module 'express-session' { interface SessionData { lastVisit: number } }
`

let folder: string
beforeAll(() => {
  // Inside the project, so that imports are found as they are by its own sources.
  folder = mkdtempSync(join(root, 'test/.snippets-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('there are snippets to check', () => {
  expect(snippets.length).toBeGreaterThanOrEqual(4)
})

test('every snippet type-checks', () => {
  const files = new Map(snippets.map((snippet, index) => [write(snippet, index), snippet]))
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  // An undefined variable of the environment is the environment's mistake, found at start-up.
  const program = ts.createProgram([...files.keys()], { ...options, exactOptionalPropertyTypes: false })
  const mistakes = ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const snippet = files.get(diagnostic.file?.fileName ?? '')
    return `${snippet?.file}:${snippet?.line} ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`
  })
  expect(mistakes).toEqual([])
}, 60_000)

function write({ code }: Snippet, index: number): string {
  const file = join(folder, `snippet-${index}.mts`)
  writeFileSync(file, code.includes("from 'express-bff-session'") ? code : SURROUNDINGS + code)
  return file
}
