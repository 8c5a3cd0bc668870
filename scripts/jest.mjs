// node scripts/jest.mjs [what jest understands]
import { runJest } from './run-jest.mjs'

process.exitCode = (await runJest(process.argv.slice(2))).code
