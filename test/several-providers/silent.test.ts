// A silent login of an app with two providers: with the first, once, and without a choice.
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useStarted } from '../support/servers.ts'

const app = useStarted(() =>
  startTwoProviders({
    options: {
      attemptSilentLogin: true,
      onChooseProvider: (_req, res) => res.send('choose'),
    },
  }),
)

test('nobody is asked to choose, and whoever the first one does not know stays who they are', async () => {
  const browser = new Browser()
  const asked = [app.staff.authorizationRequests().length, app.customers.authorizationRequests().length]
  const page = await browser.navigate(`${app.url}/public`)
  expect(page.json()).toMatchObject({ authenticated: false })
  expect(app.staff.authorizationRequests().at(-1)?.params).toMatchObject({ prompt: 'none' })
  expect(app.staff.authorizationRequests()).toHaveLength((asked[0] ?? 0) + 1)
  await browser.navigate(`${app.url}/public`)
  expect(app.staff.authorizationRequests()).toHaveLength((asked[0] ?? 0) + 1)
  expect(app.customers.authorizationRequests()).toHaveLength(asked[1] ?? 0)
})
