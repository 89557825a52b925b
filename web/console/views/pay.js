// Paying for one order: the card, the button, and what becomes of it.

import { ConnectionLost, read, Refusal, SignedOut } from '../api.js'
import { draw, h, speak } from '../dom.js'
import { money, shortId } from '../format.js'
import { heading, itemList, note, pill } from '../parts.js'
import { cardUnderWay, isUnderWay, leave, payOrder } from '../payment.js'

const CARDS = [
  ['tok_visa', 'Good card', 'The charge succeeds', 'good'],
  ['tok_chargeDeclined', 'Declined', 'The bank says no', 'bad'],
  ['tok_timeoutAfterCharge', 'Times out', 'Charged, and nobody tells', 'odd'],
  ['tok_slow', 'Slow', 'Succeeds after two seconds', 'slow'],
]
const MORE_CARDS = [
  ['tok_mastercard', 'Another good card'],
  ['tok_chargeDeclinedInsufficientFunds', 'Declined: not enough money'],
  ['tok_chargeDeclinedExpiredCard', 'Declined: expired'],
  ['tok_timeoutBeforeCharge', 'Times out before the charge'],
  ['tok_errorAfterCharge', 'Charged, then an error'],
  ['tok_unavailable', 'The gateway is down'],
]

const NEWS = {
  sending: ['Paying…', 'Your bank is being asked.'],
  unsettled: ['Not settled yet', 'Your bank has not said what became of it. We keep asking; you need not do anything.'],
  customer: ['Your bank wants to hear from you', 'Please confirm the payment in your bank’s app. We keep asking.'],
  unconnected: ['No connection', 'We try again as soon as there is one. It is the same payment, so you are charged once.'],
  busy: ['Just a moment', 'This payment is already under way. We keep asking what became of it.'],
  elsewhere: ['Being paid elsewhere', 'Another window pays for this order. We wait for what becomes of it.'],
  linking: ['Charged', 'Your order is being marked as paid.'],
}

export async function showPay({ place, id, signal }) {
  place.append(heading('Payment'))
  const order = await read(`/orders/${encodeURIComponent(id)}`, signal)
  const price = money(order.total_amount, order.currency)
  const progress = h('div', { role: 'status' })
  const refused = h('div', {})
  const later = h('a', { class: 'quiet-link', href: `#/orders/${order.id}` }, 'Pay later')
  const panel = h('section', { class: 'panel pay-panel', 'aria-label': 'Card and payment' })
  place.append(
    h(
      'div',
      { class: 'pay' },
      panel,
      h(
        'section',
        { class: 'panel slip', 'aria-label': 'Your order' },
        h('p', { class: 'panel-title' }, 'Your order ', h('span', { class: 'mono', title: order.id }, shortId(order.id))),
        itemList(order),
        h('p', { class: 'total' }, h('span', {}, 'Total'), h('span', { class: 'amount' }, price)),
        later,
      ),
    ),
  )
  if (order.status !== 'created') {
    later.remove()
    panel.append(order.status === 'cancelled' ? ended(order) : paid(order, 0))
    return
  }

  const goesOn = await isUnderWay(order, signal)
  const cards = chooseCard(cardUnderWay(order.id))
  const button = h('button', { type: 'button', class: 'button wide pay-button' }, `Pay ${price}`)
  panel.append(h('p', { class: 'panel-title' }, 'Test card'), cards.element, button, h('p', { class: 'help once-help' }, 'Click as often as you like: it is one payment, charged once.'), h('div', { class: 'outcome' }, progress, refused))
  const here = location.hash
  signal.addEventListener('abort', () => { if (location.hash !== here) leave(order.id) })

  // The clicks for one payment: each is sent, the second of a double click too, since they have one key. What the first
  // of them comes to know ends them all.
  let round = null
  const tell = (news) => {
    // The same again is no news.
    if (panel.dataset.is === news.is) return
    progress.replaceChildren(...describe(news))
    refused.replaceChildren()
    panel.dataset.is = news.is
  }
  const pay = async (click) => {
    // The second of a double click, whose first has been answered meanwhile, is no wish to try again.
    if (round === null && click?.detail > 1) return
    round ??= { sent: 0, clicks: 0, over: new AbortController() }
    const mine = round
    if (mine.sent === 2) return
    mine.sent += 1
    // A page that goes on by itself was not clicked.
    if (click) mine.clicks += 1
    cards.lock(true)
    button.classList.add('working')
    button.textContent = 'Paying…'
    try {
      const ending = AbortSignal.any([signal, mine.over.signal])
      const done = await payOrder(order, cards.chosen(), { signal: ending, tell: (news) => mine === round && tell(news) })
      if (signal.aborted || mine !== round) return
      panel.dataset.is = 'paid'
      // Everything around it stays where it is.
      panel.style.minHeight = `${panel.offsetHeight}px`
      panel.replaceChildren(paid(done, mine.clicks))
      later.classList.add('over')
      panel.querySelector('h2').focus({ preventScroll: true })
      speak(`Paid: ${price}.`)
    } catch (error) {
      if (signal.aborted || mine !== round) return
      if (error instanceof SignedOut) return dispatchEvent(new CustomEvent('signed-out'))
      panel.dataset.is = 'refused'
      progress.replaceChildren()
      if (error instanceof Refusal || error instanceof ConnectionLost) refused.replaceChildren(note(error))
      else throw error
    } finally {
      if (mine === round) {
        round = null
        mine.over.abort()
        cards.lock(false)
        button.classList.remove('working')
        button.textContent = panel.dataset.is === 'refused' ? `Try again: ${price}` : `Pay ${price}`
      }
    }
  }
  button.addEventListener('click', pay)
  if (goesOn) pay()
}

function chooseCard(underWay) {
  const known = [...CARDS, ...MORE_CARDS].map(([token]) => token)
  const other = h('input', { type: 'text', id: 'other-token', autocomplete: 'off', spellcheck: 'false', maxlength: '255', 'aria-label': 'A token of your payment gateway', placeholder: 'pm_…' })
  const radio = (token, isChosen) => h('input', { type: 'radio', name: 'card', value: token, checked: isChosen })
  const first = underWay ?? CARDS[0][0]
  const otherRadio = radio('other', !known.includes(first))
  if (!known.includes(first)) other.value = first
  other.addEventListener('input', () => { otherRadio.checked = true })
  const element = h(
    'fieldset',
    { class: 'cards' },
    h('legend', { class: 'unseen' }, 'Test card'),
    h('div', { class: 'card-grid' }, CARDS.map(([token, name, what, kind]) =>
      h('label', { class: `card ${kind}` }, radio(token, token === first), face(kind), h('b', {}, name), h('small', {}, what)))),
    h(
      'details',
      { open: !CARDS.some(([token]) => token === first) },
      h('summary', {}, 'More cards'),
      h('div', { class: 'more-cards' }, MORE_CARDS.map(([token, name]) => h('label', {}, radio(token, token === first), h('span', {}, name))), h('label', { class: 'other' }, otherRadio, h('span', {}, 'Another token'), other)),
    ),
  )
  const inputs = [...element.querySelectorAll('input')]
  return {
    element,
    chosen: () => {
      const { value } = inputs.find((input) => input.type === 'radio' && input.checked)
      return value === 'other' ? other.value.trim() || 'tok_none' : value
    },
    lock: (isLocked) => { for (const input of inputs) input.disabled = isLocked },
  }
}

const MARKS = {
  good: '<path d="M23 12.4l3 3 5.6-6"/>',
  bad: '<path d="M24 9.4l6 6M30 9.4l-6 6"/>',
  odd: '<path d="M24.4 10.4c0-4 6-4 6 0 0 2.4-3 2.4-3 4.6M27.4 17.6v.1"/>',
  slow: '<circle cx="27.4" cy="12.6" r="4.6"/><path d="M27.4 10.2v2.6l1.7 1"/>',
}

const face = (kind) => draw(`<svg viewBox="0 0 38 26" class="card-face" aria-hidden="true"><rect x=".7" y=".7" width="36.6" height="24.6" rx="4.5"/><path d="M5 18.5h9M5 7.5h5.5v4H5z"/>${MARKS[kind]}</svg>`)

function describe({ is, transaction_id }) {
  const [title, text] = NEWS[is]
  return [
    h('div', { class: `note ${is === 'unconnected' ? 'warn' : ''}` }, h('p', { class: 'note-title' }, h('span', { class: 'pulse', 'aria-hidden': 'true' }), title), h('p', {}, text), transaction_id && h('p', { class: 'code' }, transaction_id)),
  ]
}

const paid = (order, clicks) =>
  h(
    'div',
    { class: 'done' },
    draw('<svg viewBox="0 0 64 64" class="tick" aria-hidden="true"><circle cx="32" cy="32" r="30"/><path d="M19.5 33.5l8.7 8.5 17-19.5"/></svg>'),
    h('h2', { tabindex: '-1' }, order.status === 'paid' ? 'Paid' : 'This order is settled'),
    h('p', { class: 'done-amount' }, money(order.total_amount, order.currency)),
    clicks > 1 && h('p', { class: 'once' }, 'You clicked twice. Your card was charged once.'),
    h('p', { class: 'code mono' }, order.payment_transaction_id ?? ''),
    h('p', { class: 'links' }, h('a', { class: 'button', href: `#/orders/${order.id}` }, 'See the order'), h('a', { class: 'button quiet', href: '#/' }, 'Buy something else')),
  )

const ended = (order) => h('div', { class: 'done' }, pill(order.status), h('h2', { tabindex: '-1' }, 'This order takes no payment'), h('p', { class: 'links' }, h('a', { class: 'button', href: `#/orders/${order.id}` }, 'See the order')))
