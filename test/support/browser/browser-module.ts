// The module for the browser, compiled from its source as the build does it, so that a test needs no build.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const folder = join(import.meta.dirname, '../../../src/browser')

/** `express-bff-session/browser` as JavaScript: one file that imports nothing. */
export function browserModule(): string {
  const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder)
  const text = readFileSync(join(folder, 'index.ts'), 'utf8')
  return ts.transpileModule(text, {
    compilerOptions: { ...options, module: ts.ModuleKind.ESNext, removeComments: true },
  }).outputText
}
