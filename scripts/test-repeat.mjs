// npm run test:repeat -- 10 [what jest understands]: the tests so many times, and every failure.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { runJest } from './run-jest.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const [MESSAGE_LINES, OUTPUT_LINES] = [6, 20]
/** What jest says when all tests are done and something is still at work. */
const COMPLAINT = /^.*(?:failed to exit gracefully|Jest did not exit).*$/gm

/**
 * @typedef {object} Failure
 * @property {string} file
 * @property {string} test
 * @property {string} message
 */

const [given = '', ...jestArgs] = process.argv.slice(2)
if (/^[1-9]\d*$/.test(given)) await repeat(Number(given))
else {
  console.error('How many times? Type, for example:  npm run test:repeat -- 10')
  process.exitCode = 1
}

/** @param {number} times */
async function repeat(times) {
  let stopped = false
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.once(signal, () => {
      stopped = true
    })
  /** @type {number[]} */
  const seconds = []
  let failures = 0
  while (seconds.length < times) {
    const began = performance.now()
    const { passed, failed, complaints } = await runOnce()
    // What failed for want of time is no failure.
    if (stopped) break
    const took = Math.round((performance.now() - began) / 1000)
    seconds.push(took)
    failures += failed.length
    console.log(`run ${seconds.length} of ${times}: ${passed} passed, ${failed.length} failed, ${took} s`)
    for (const complaint of complaints) console.log(`  ${complaint}`)
    for (const failure of failed) console.log(shown(failure, seconds.length))
  }
  console.log(`\n${seconds.length} runs, ${failures} failures; seconds: ${seconds.join(', ')}`)
  if (failures > 0) process.exitCode = 1
  else if (stopped) process.exitCode = 130
}

async function runOnce() {
  const folder = mkdtempSync(join(tmpdir(), 'express-bff-session-repeat-'))
  const file = join(folder, 'results.json')
  try {
    const { code, output } = await runJest(['--json', `--outputFile=${file}`, ...jestArgs], {
      output: 'pipe',
    })
    const said = stripVTControlCharacters(output)
    const complaints = said.match(COMPLAINT) ?? []
    const results = readResults(file)
    const failed = results?.failed ?? []
    if (code !== 0 && failed.length === 0)
      failed.push({
        file: 'jest',
        test: `ended with ${code}`,
        message: said.split('\n').slice(-OUTPUT_LINES).join('\n'),
      })
    return { passed: results?.passed ?? 0, failed, complaints }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param {string} file
 * @returns {{ passed: number, failed: Failure[] } | undefined} undefined where jest wrote none
 */
function readResults(file) {
  let results
  try {
    results = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
  /** @type {Failure[]} */
  const failed = []
  for (const suite of results.testResults) {
    const file = relative(ROOT, suite.name)
    const tests = suite.assertionResults.filter(
      (/** @type {{ status: string }} */ test) => test.status === 'failed',
    )
    for (const test of tests)
      failed.push({ file, test: test.fullName, message: test.failureMessages.join('\n') })
    if (tests.length === 0 && suite.status === 'failed')
      failed.push({ file, test: 'the file itself', message: suite.message })
  }
  return { passed: results.numPassedTests, failed }
}

/** @param {Failure} failure @param {number} run */
function shown({ file, test, message }, run) {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '')
  return [
    `  ${test}`,
    `    ${file}, run ${run}`,
    ...lines.slice(0, MESSAGE_LINES).map((line) => `    ${line}`),
  ].join('\n')
}
