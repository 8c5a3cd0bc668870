// npm run test:node -- 24 [what jest understands]: the tests on another version of Node.js, or on several.
import { bringNode, environmentOf } from './node-version.mjs'
import { runJest } from './run-jest.mjs'

const args = process.argv.slice(2)
const firstOther = args.findIndex((arg) => !/^\d+(\.\d+){0,2}$/.test(arg))
const versions = firstOther === -1 ? args : args.slice(0, firstOther)
const jestArgs = args.slice(versions.length)

if (versions.length === 0) {
  console.error('On which version of Node.js? Type, for example:  npm run test:node -- 24')
  process.exitCode = 1
}
for (const wanted of versions) {
  const code = await testOn(wanted)
  process.exitCode ||= code
}

/** @param {string} wanted */
async function testOn(wanted) {
  let brought
  try {
    brought = bringNode(wanted)
  } catch (error) {
    console.error(`Node.js ${wanted} cannot be had: ${error instanceof Error ? error.message : error}`)
    return 1
  }
  const { node, version } = brought
  // stdout is jest's, which may have been asked for JSON.
  console.error(`\nNode.js ${version}`)
  return (await runJest(jestArgs, { node, env: environmentOf(node) })).code
}
