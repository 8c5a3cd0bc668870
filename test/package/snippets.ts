// The code in the documentation, as it stands there.
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '../..')

export interface Snippet {
  file: string
  line: number
  language: string
  code: string
}

export function readPage(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

export function snippetsOf(file: string): Snippet[] {
  const text = readPage(file)
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

/** `// server.mjs`, `// app.test.js: and more` or `<!-- views/home.ejs -->`, as a snippet's first line. */
const FILE_NAME = /^(?:\/\/|<!--) ([\w./-]+\.\w+)(?::.*)?(?: -->)?\n/

/** Each snippet of a page that begins with a file's name becomes that file. @param edit what is written in its place */
export async function writeSnippets(
  page: string,
  folder: string,
  edit: (code: string, name: string) => string = (code) => code,
): Promise<void> {
  for (const { code } of snippetsOf(page)) {
    const name = FILE_NAME.exec(code)?.[1]
    if (name === undefined) continue
    const file = join(folder, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, edit(code, name))
  }
}
