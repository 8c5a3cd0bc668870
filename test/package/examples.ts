// The `@example`s in the comments of the sources, as code that can be compiled.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import type { Snippet } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => {
    const text = readFileSync(join(root, 'src', file), 'utf8')
    return ts.createSourceFile(`src/${file}`, text, ts.ScriptTarget.Latest, true)
  })

export const examples: readonly Snippet[] = sources.flatMap((source) => examplesOf(source, source))

function examplesOf(node: ts.Node, source: ts.SourceFile): Snippet[] {
  const own = ts
    .getJSDocCommentsAndTags(node)
    .filter(ts.isJSDoc)
    .filter(({ parent }) => parent === node)
    .flatMap(({ tags }) => [...(tags ?? [])])
    .filter(({ tagName }) => tagName.text === 'example')
    .map((tag) => ({
      file: source.fileName,
      line: source.getLineAndCharacterOfPosition(tag.pos).line + 1,
      language: 'ts',
      code: ts.getTextOfJSDocComment(tag.comment) ?? '',
    }))
  return [...own, ...node.getChildren(source).flatMap((child) => examplesOf(child, source))]
}

/** What an example takes for granted, by where it stands. */
const SURROUNDINGS: readonly (readonly [folder: string, code: string])[] = [
  [
    'src/browser/',
    `import { BffError, configure, fetch, login, logout, me, onSessionEnd, stepUp } from 'express-bff-session/browser'
declare const error: unknown`,
  ],
  [
    'src/express-openid-connect/',
    `import express, { type RequestHandler } from 'express'
import { attemptSilentLogin, auth, claimCheck, claimEquals, claimIncludes, requiresAuth } from 'express-bff-session/express-openid-connect'
declare const app: express.Express
declare const handler: RequestHandler`,
  ],
  [
    'src/testing/',
    `import express, { type Request } from 'express'
import { type AuthHandler, auth } from 'express-bff-session'
import { signedIn, signedInHeaders, startTestProvider, type TestAgent, testOptions, testProvider } from 'express-bff-session/testing'
declare const app: express.Express
declare const agent: TestAgent
declare const bff: AuthHandler
declare const req: Request`,
  ],
  [
    'src/',
    `import { readFileSync } from 'node:fs'
import express, { type Request, type RequestHandler, type Response } from 'express'
import { type AuthHandler, auth, handleUpgrade, isAuthError, relay, requireAuth, requireClaim, requireFresh, requireStepUp, type TenantSetUp } from 'express-bff-session'
declare const app: express.Express
declare const bff: AuthHandler
declare const error: unknown
declare const handler: RequestHandler
declare const req: Request
declare const res: Response
declare const staff: { find(sub: string): Promise<{ roles: string[] } | undefined> }
declare const database: { tenants: { find(key: string): Promise<TenantSetUp | undefined> } }`,
  ],
]

export function surroundingsOf({ file, code }: Snippet): string {
  if (/^import /m.test(code)) return code
  if (code.startsWith('declare module')) return `import 'express-bff-session'\n${code}`
  const [, before = ''] = SURROUNDINGS.find(([folder]) => file.startsWith(folder)) ?? []
  // What it declares is its own.
  return `${before}\n{\n${code}\n}\n`
}

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const ENTRIES = Object.keys(exports)
  .filter((entry) => !entry.endsWith('.json'))
  .map((entry) => posix.join('src', entry, 'index.ts'))

/** The functions of the entry points that no example shows. */
export function exampleless(): string[] {
  return ENTRIES.flatMap((entry) =>
    functionsOf(entry)
      .filter((one) => !ts.getJSDocTags(one).some(({ tagName }) => tagName.text === 'example'))
      .map((one) => `${entry}: ${one.name?.text}()`),
  )
}

/** Those of the file, and those that it hands on by their names. */
function functionsOf(file: string): ts.FunctionDeclaration[] {
  const statements = sources.find(({ fileName }) => fileName === file)?.statements ?? []
  return statements.flatMap((statement) => {
    if (ts.isFunctionDeclaration(statement)) return isExported(statement) ? [statement] : []
    if (
      !ts.isExportDeclaration(statement) ||
      !statement.exportClause ||
      !ts.isNamedExports(statement.exportClause)
    )
      return []
    const names = statement.exportClause.elements.map(({ name }) => name.text)
    const from = (statement.moduleSpecifier as ts.StringLiteral).text
    return functionsOf(posix.join(posix.dirname(file), from)).filter((one) =>
      names.includes(one.name?.text ?? ''),
    )
  })
}

const isExported = (node: ts.FunctionDeclaration) =>
  node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
