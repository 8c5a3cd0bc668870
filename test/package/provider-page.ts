// The settings on a page of docs/providers: its `.env`, and each `auth()` beside that.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuthOptions } from '../../src/index.ts'
import { snippetsOf } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
const FOLDER = 'docs/providers'

export const PAGES: readonly string[] = readdirSync(join(root, FOLDER)).filter(
  (file) => file.endsWith('.md') && file !== 'README.md',
)

export const readPage = (file: string) => readFileSync(join(root, FOLDER, file), 'utf8')

export interface Settings {
  /** what the page does not leave to its reader */
  readonly env: NodeJS.ProcessEnv
  /** the text of each one's options */
  readonly calls: readonly string[]
}

export function settingsOf(page: string): Settings {
  const snippets = snippetsOf(`${FOLDER}/${page}`)
  const codeIn = (wanted: string) =>
    snippets.filter(({ language }) => language === wanted).map(({ code }) => code)
  const env = codeIn('ini')
    .flatMap((code) => code.split('\n'))
    .flatMap((line) => {
      const [, name = '', quoted, plain = ''] = /^([A-Z_]+)=(?:"([^"]*)"|(\S+))/.exec(line) ?? []
      return name === '' || plain === '...' ? [] : [[name, quoted ?? plain] as const]
    })
  const calls = codeIn('js')
    .flatMap((code) => [...code.matchAll(/^auth\((\{.*?\})\)(?: \/\/.*)?$/gms)])
    .map(([, options = '']) => options)
  return { env: Object.fromEntries(env), calls }
}

export function optionsOf(options: string): AuthOptions {
  const around = { process: { env: {} }, clientID: 'client', signedSecret: () => 'signed' }
  return new Function(...Object.keys(around), `return (${options})`)(...Object.values(around))
}
