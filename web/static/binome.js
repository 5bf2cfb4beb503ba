/* Small comforts on top of pages that work without them. Every text comes from the page (data attributes). */
"use strict";
(() => {
  const cents = (text) => {
    const clean = text.replace(/[\s\u00a0\u202f€]/g, "").replace(",", ".");
    return /^-?\d+(\.\d{1,2})?$/.test(clean) ? Math.round(parseFloat(clean) * 100) : 0;
  };
  const euros = (value) =>
    new Intl.NumberFormat(document.documentElement.lang || "fr", {
      style: "currency",
      currency: "EUR",
      minimumFractionDigits: value % 100 ? 2 : 0,
    }).format(value / 100);

  /* SIRET as it is typed: 14 digits whose Luhn sum ends in 0; the post office's (356000000…) sum their digits to a multiple of 5. */
  const siretHolds = (digits) => {
    const numbers = [...digits].map(Number);
    const luhn = numbers.reduce((sum, n, i) => sum + (i % 2 ? n : n * 2 > 9 ? n * 2 - 9 : n * 2), 0);
    return luhn % 10 === 0 || (digits.startsWith("356000000") && numbers.reduce((a, b) => a + b, 0) % 5 === 0);
  };
  const checkSiret = (input) => {
    const digits = input.value.replace(/\s/g, "");
    let note = input.parentElement.querySelector(".field-live");
    if (!note) {
      note = document.createElement("p");
      note.className = "field-live";
      note.setAttribute("role", "status");
      input.after(note);
    }
    const complete = /^\d{14}$/.test(digits);
    const holds = complete && siretHolds(digits);
    note.dataset.ok = String(holds);
    note.textContent = complete ? (holds ? input.dataset.siretOk : input.dataset.siretWrong) || "" : "";
  };

  /* Budget totals of one form. */
  const balance = (form) => {
    const box = form.querySelector("[data-budget-balance]");
    if (!box) return;
    const totals = { expense: 0, income: 0 };
    form.querySelectorAll("input[data-budget]").forEach((input) => {
      totals[input.dataset.budget] += cents(input.value);
    });
    box.querySelectorAll("[data-budget-total]").forEach((cell) => {
      cell.textContent = euros(totals[cell.dataset.budgetTotal]);
    });
    const gap = Math.abs(totals.expense - totals.income);
    const verdict = box.querySelector("[data-budget-verdict]");
    verdict.dataset.ok = String(gap === 0);
    verdict.textContent = gap === 0 ? box.dataset.balanced : `${box.dataset.unbalanced} ${euros(gap)}`;
  };

  /* The total of the sums of one name (data-sum), shown where data-sum-total names it. */
  const addUp = (form, name) => {
    const cell = form.querySelector(`[data-sum-total="${name}"]`);
    if (!cell) return;
    const inputs = [...form.querySelectorAll(`input[data-sum="${name}"]`)];
    cell.textContent = euros(inputs.reduce((sum, input) => sum + cents(input.value), 0));
  };

  /* What is left of each envelope as sums are typed. */
  const remain = (form) =>
    form.querySelectorAll("[data-left]").forEach((cell) => {
      let left = Number(cell.dataset.left);
      form.querySelectorAll(`input[data-envelope="${cell.dataset.envelope}"]`).forEach((input) => {
        left -= cents(input.value);
      });
      cell.dataset.ok = String(left >= 0);
      cell.textContent = euros(left) + (left < 0 ? ` – ${cell.dataset.over}` : "");
    });

  const changed = new Set();

  document.addEventListener("input", (event) => {
    const input = event.target;
    if (input.matches("input[data-siret]")) checkSiret(input);
    if (input.form && input.matches("input[data-budget]")) balance(input.form);
    if (input.form && input.matches("input[data-envelope]")) remain(input.form);
    if (input.form && input.matches("input[data-sum]")) addUp(input.form, input.dataset.sum);
    if (input.form && input.form.matches("[data-unsaved]")) changed.add(input.form);
  });

  /* A second click on the way to the server is not a second act. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-once]") && (!form.hasAttribute("hx-post") || form.hasAttribute("hx-trigger"))) {
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "1";
      if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
    }
    changed.delete(form);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
    document.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });

  window.addEventListener("beforeunload", (event) => {
    changed.forEach((form) => form.isConnected || changed.delete(form));
    if (changed.size) event.preventDefault();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) changed.delete(event.detail.elt);
  });

  /* A slider and its number set each other; without this script there is the number. */
  document.querySelectorAll("input[data-slider]").forEach((slider) => {
    const field = document.getElementById(slider.dataset.slider);
    slider.hidden = false;
    slider.addEventListener("input", () => (field.value = slider.value));
    field.addEventListener("input", () => (slider.value = field.value));
  });

  /* Menus close when one leaves them. */
  const closeMenus = (except) =>
    document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
      if (menu !== except) menu.open = false;
    });
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details[data-menu]")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details[data-menu][open]");
    closeMenus(null);
    if (menu) menu.querySelector("summary").focus();
  });

  /* Controls that somebody else took along on this device are not for whoever is signed in now (carry.js). */
  const { person } = document.body.dataset;
  if (person && "caches" in window) {
    const others = (name) => name.startsWith("binome-emporte-") && !name.startsWith(`binome-emporte-${person}-`);
    caches.keys().then((names) => names.filter(others).forEach((name) => caches.delete(name)));
  }

  /* What stopped the act is read first. */
  const stopped = document.querySelector("main .error-summary, main .refusal");
  if (stopped) stopped.focus();
  document.querySelectorAll("input[data-siret]").forEach((input) => input.value && !input.ariaInvalid && checkSiret(input));
  document.querySelectorAll("form").forEach(balance);
})();
