// The page: who is there, which view is shown, and what is the same on all of them.

import { ConnectionLost, Refusal, SignedOut } from './api.js'
import * as basket from './basket.js'
import { h, speak } from './dom.js'
import { heading, note, waysOn } from './parts.js'
import { forget, signOut, whoAmI } from './session.js'
import { showBasket } from './views/basket.js'
import { showOrder } from './views/order.js'
import { showOrders } from './views/orders.js'
import { showPay } from './views/pay.js'
import { showProducts } from './views/products.js'
import { showSignIn } from './views/sign_in.js'
import { showStaff } from './views/staff.js'

const VIEWS = [
  [/^#?\/?$/, showProducts, 'products', 'Products'],
  [/^#\/basket$/, showBasket, 'basket', 'Basket'],
  [/^#\/pay\/([^/]+)$/, showPay, 'basket', 'Pay'],
  [/^#\/orders$/, showOrders, 'orders', 'Orders'],
  [/^#\/orders\/([^/]+)$/, showOrder, 'orders', 'Order'],
  [/^#\/staff$/, showStaff, 'staff', 'Staff desk'],
]

const main = document.getElementById('main')
let leaving = new AbortController()
let isFirst = true
// That the last token was refused, until somebody has been told.
let isRefused = false

async function show() {
  leaving.abort()
  leaving = new AbortController()
  const { signal } = leaving
  const who = whoAmI()
  const found = VIEWS.map(([pattern, view, tab, title]) => ({ match: pattern.exec(location.hash), view, tab, title })).find(({ match }) => match)
  const { view, tab, title, match } = who === null ? { view: showSignIn, title: 'Sign in' } : found ?? { view: showNowhere, title: 'Not found' }
  document.title = `${title} · Checkout`
  paintFrame(who, tab)
  scrollTo(0, 0)
  const place = h('div', { class: `view view-${tab ?? 'sign-in'}` })
  main.replaceChildren(place)
  main.setAttribute('aria-busy', 'true')
  // A place of its own for each view: one that comes too late draws where nobody looks.
  const page = { place, signal, who, show, isRefused, id: decode(match?.[1] ?? '') }
  isRefused = false
  try {
    await view(page)
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof SignedOut) return askWho()
    const mayPass = error instanceof ConnectionLost || error.status === 429 || error.status >= 500
    const name = error instanceof Refusal && error.status === 404 ? 'Not found' : title
    document.title = `${name} · Checkout`
    place.replaceChildren(heading(name), note(error), mayPass ? h('button', { type: 'button', class: 'button quiet', onclick: show }, 'Try again') : waysOn())
  }
  if (signal.aborted) return
  main.setAttribute('aria-busy', 'false')
  // Where one is, for those who do not see it; not at first, when the browser says the page's title itself.
  if (!isFirst) place.querySelector('h1')?.focus({ preventScroll: true })
  isFirst = false
  performance.mark('ready')
}

const showNowhere = async ({ place }) => place.append(heading('Not found', 'There is no such page here.'), waysOn())

// As it is where it is no encoding of anything: then nothing is found by it.
function decode(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function paintFrame(who, tab) {
  document.getElementById('tabs').hidden = who === null
  document.getElementById('staff-tab').hidden = !who?.isStaff
  for (const link of document.querySelectorAll('[data-tab]')) {
    if (link.dataset.tab === tab) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  const person = document.getElementById('person')
  person.hidden = who === null
  if (who) {
    person.replaceChildren(h('span', { class: 'face', 'aria-hidden': 'true' }, who.name[0]), h('span', { class: 'person-name' }, who.name))
    person.title = `Signed in as ${who.name}. Sign out`
    // All of the name, also where there is room for a part of it or for none.
    person.setAttribute('aria-label', person.title)
  }
  paintCount()
  // All of the bar comes at once: what comes beside something else would push it.
  document.getElementById('who').hidden = false
}

function paintCount() {
  const badge = document.getElementById('basket-count')
  const count = basket.count()
  badge.hidden = count === 0
  badge.replaceChildren(String(count), h('span', { class: 'unseen' }, ' in it'))
}

function askWho() {
  forget('token')
  isRefused = true
  show()
}

function paintTheme() {
  const isDark = matchMedia('(prefers-color-scheme: dark)').matches
  const theme = document.documentElement.dataset.theme ?? (isDark ? 'dark' : 'light')
  document.getElementById('theme').setAttribute('aria-label', theme === 'dark' ? 'Use light colours' : 'Use dark colours')
  return theme
}

document.getElementById('theme').addEventListener('click', () => {
  const theme = paintTheme() === 'dark' ? 'light' : 'dark'
  document.documentElement.dataset.theme = theme
  try {
    localStorage.setItem('theme', theme)
  } catch {
    // For this page, then.
  }
  paintTheme()
})
document.getElementById('person').addEventListener('click', () => { signOut(); show() })

// Not by its address, which would be another page's.
document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault()
  const content = main.querySelector('h1') ?? main
  content.focus()
})

const banner = document.getElementById('banner')
function paintConnection() {
  banner.hidden = navigator.onLine
  banner.textContent = navigator.onLine ? '' : 'No connection. What is under way goes on when there is one again.'
}

addEventListener('hashchange', show)
addEventListener('basket', paintCount)
addEventListener('signed-out', askWho)
addEventListener('online', paintConnection)
addEventListener('offline', paintConnection)
paintTheme()
paintConnection()
show()
