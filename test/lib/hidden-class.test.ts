// Hidden classes of requests: what the engine takes away is given back, and nothing of the request is changed by it.
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import express, { type Request, type Response } from 'express'
import { auth } from '../../src/index.ts'
import { shareHiddenClass } from '../../src/lib/hidden-class.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { useParts } from '../support/servers.ts'

setFlagsFromString('--allow-natives-syntax')
const inOneClass: (one: unknown, other: unknown) => boolean = runInThisContext(
  '(one, other) => %HaveSameMap(one, other)',
)

const isFast: (object: unknown) => boolean = runInThisContext('(object) => %HasFastProperties(object)')

const isAffected = Number.parseInt(process.versions.v8, 10) < 13

class Message {
  method = 'GET'
  url = '/'
}
const proto = Object.create(Message.prototype)

/** As Express does with a request: another prototype, then further properties. */
function handled(share: boolean): Message {
  const message = Object.setPrototypeOf(new Message(), proto) as Message
  if (share) shareHiddenClass(message, 'method')
  return Object.assign(message, { route: '/account' })
}

test('it is done by the engines that need it, and by no other', () => {
  expect(inOneClass(handled(false), handled(false))).toBe(!isAffected)
  expect(inOneClass(handled(true), handled(true))).toBe(true)
  expect(isFast(handled(true))).toBe(!isAffected)
})

test('nothing of the object is changed', () => {
  expect(handled(true)).toEqual(handled(false))
  expect(Object.getOwnPropertyDescriptors(handled(true))).toEqual(
    Object.getOwnPropertyDescriptors(handled(false)),
  )
})

test('a property of the prototype is left where it is', () => {
  class Compatible {
    get method() {
      return 'GET'
    }
  }
  const message = new Compatible()
  shareHiddenClass(message, 'method')
  expect(Reflect.ownKeys(message)).toEqual([])
})

test('what cannot be changed is left as it is', () => {
  for (const close of [Object.freeze, Object.seal, Object.preventExtensions]) {
    const message = new Message()
    close(message)
    expect(() => shareHiddenClass(message, 'method')).not.toThrow()
    expect(message.method).toBe('GET')
  }
})

/** Nobody is logged in here, so the provider is not asked. */
const OFFLINE = { issuerBaseURL: 'http://localhost:1', clientID: 'nobody-asks' }

/** In one app of some thirty V8 keeps the classes of requests and of responses in one place, and forgets each for the other. */
const APPS = 6

const { apps } = useParts(async (start) => ({
  apps: await Promise.all(Array.from({ length: APPS }, () => start(startPairApp()))),
}))

/** An app of its own, which means prototypes of its own, that answers requests two by two, and compares them. */
async function startPairApp(): Promise<OwnApp & { classes: boolean[] }> {
  const seen: [Request, Response][] = []
  const classes: boolean[] = []
  const app = await startOwnApp({ options: OFFLINE }, (options) => {
    const handler = auth(options)
    const both = express()
    both.use(handler)
    both.get('/', (req, res) => {
      const [[otherReq, otherRes] = []] = seen
      seen.push([req, res])
      if (otherReq === undefined || otherRes === undefined) return
      classes.push(inOneClass(req, otherReq), inOneClass(res, otherRes))
      for (const [, response] of seen) response.end('ok')
    })
    return { app: both, auth: handler }
  })
  return { ...app, classes }
}

test('two requests at once have one hidden class below auth(), and so have their responses', async () => {
  for (const { url } of apps) {
    const ask = () => exchange({ method: 'GET', url: `${url}/` })
    const answers = await Promise.all([ask(), ask()])
    expect(answers.map(({ body }) => body)).toEqual(['ok', 'ok'])
  }
  expect(apps.map(({ classes }) => classes)).toContainEqual([true, true])
})
