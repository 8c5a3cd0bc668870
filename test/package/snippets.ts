// The code in the documentation, as it stands there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

export interface Snippet {
  file: string
  line: number
  language: string
  code: string
}

export function snippetsOf(file: string): Snippet[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: code = '', index }) => ({
    file,
    line: text.slice(0, index).split('\n').length,
    language,
    code,
  }))
}

/** The one snippet of the README that begins with this comment, such as `# .env`. */
export function readmeSnippet(name: string): string {
  const found = snippetsOf('README.md').filter(({ code }) => code.startsWith(`${name}\n`))
  const [only] = found
  if (found.length !== 1 || only === undefined)
    throw new Error(`README.md has ${found.length} snippets '${name}'`)
  return only.code
}
