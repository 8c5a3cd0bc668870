// Before all tests, once: what each file would otherwise make anew. Workers find it in their environment.
import { generateKeyPairSync } from 'node:crypto'
import { rmSync } from 'node:fs'
import { compile, compileAppMain } from './compile.mjs'

/** @type {string[]} */
const made = []

export default function setup() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  process.env.TEST_SIGNING_KEY = JSON.stringify(privateKey.export({ format: 'jwk' }))
  for (const [name, file] of Object.entries({
    TEST_APP_MAIN: compileAppMain(),
    TEST_PACKAGE: compile('src/index.ts'),
    TEST_DOCTOR: compile('src/doctor/main.ts'),
    TEST_BROWSER_MODULE: compile('src/browser/index.ts'),
  })) {
    process.env[name] = file
    made.push(file)
  }
}

export function removeMade() {
  for (const file of made) rmSync(file, { force: true })
}
