// Listeners that fail, in a process of their own, which they do not end.
import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { VALID } from '../options/valid.ts'

const SNIPPET = `
  import { createServer } from 'node:http'
  import express from ${JSON.stringify(import.meta.resolve('express'))}
  import { auth } from ${JSON.stringify(pathToFileURL(process.env.TEST_PACKAGE ?? '').href)}
  const bff = auth(${JSON.stringify(VALID)})
  const fail = (how) => () => { throw new Error(how) }
  bff.on('refused', fail('at once')).on('refused', async () => fail('later')())
  const server = createServer(express().use(bff)).listen(0, async () => {
    for (let count = 0; count < 10; count += 1) {
      const answer = await fetch('http://localhost:' + server.address().port + '/callback?state=x&code=y')
      console.log(answer.status)
    }
    server.close()
    server.closeAllConnections()
    await bff.close()
  })
`

test('a listener that throws, and one whose promise fails, end no request, and are warned of once', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    SNIPPET,
  ])
  expect(stdout).toBe('400\n'.repeat(10))
  const warnings = stderr.split('\n').filter((line) => line.includes('a listener'))
  expect(warnings).toEqual(
    ['at once', 'later'].map((how) => expect.stringMatching(`a listener of 'refused' threw Error: ${how}$`)),
  )
})
