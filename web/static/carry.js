/* A control taken along on this device: its pages and what they are made of, in one store that goes as a whole.
   worker.js answers from it without network. Texts come from the page. */
"use strict";
window.binomeCarry = (() => {
  const PREFIX = "binome-emporte-";
  const SUMMARY = "/hors-connexion/resume"; // what a store says of itself; no page has this address
  const DAY = 86_400_000;
  const able = "caches" in window && "serviceWorker" in navigator;
  const person = document.body.dataset.person || "";
  const storeOf = (mission) => `${PREFIX}${person}-${mission}`;
  const lang = document.documentElement.lang || "fr";
  const moment = (iso) =>
    new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short", timeZone: "Europe/Paris" }).format(
      new Date(iso),
    );
  const tell = (time, iso) => {
    time.dateTime = iso;
    time.textContent = moment(iso);
  };

  /* What a store says of itself; null where there is none, it is not all copied, or its time is over: then it goes. */
  const summaryIn = async (name) => {
    const found = await caches.match(SUMMARY, { cacheName: name });
    const summary = found ? await found.json() : {};
    if (summary.until >= Date.now()) return summary.at ? summary : null;
    if (found) await caches.delete(name);
    return null;
  };
  const list = async () => {
    const names = able ? (await caches.keys()).filter((name) => name.startsWith(PREFIX)) : [];
    return (await Promise.all(names.map(summaryIn))).filter(Boolean);
  };
  const note = async (cache, summary) =>
    cache.put(SUMMARY, new Response(JSON.stringify(summary), { headers: { "Content-Type": "application/json" } }));

  /* A page is marked as a copy, with the moment, so that it can say so. */
  const copyPage = async (cache, address, at) => {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status} ${address}`);
    const html = await answer.text();
    const headers = new Headers();
    ["Content-Type", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"].forEach((name) =>
      headers.set(name, answer.headers.get(name) || ""),
    );
    await cache.put(address, new Response(html.replace("<html ", `<html data-carried="${at}" `), { headers }));
    return new DOMParser().parseFromString(html, "text/html");
  };

  const partsOf = (page) =>
    [...page.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src], img[src], use[href]")].map(
      (part) => (part.getAttribute("href") || part.getAttribute("src")).split("#")[0],
    );
  const copyPart = async (cache, address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status} ${address}`);
    const sheet = (answer.headers.get("Content-Type") || "").startsWith("text/css") ? await answer.clone().text() : "";
    await cache.put(address, answer);
    return [...sheet.matchAll(/url\(\s*["']?([^"')]+)/g)]
      .map((found) => found[1])
      .filter((found) => !/^(data:|#)/.test(found))
      .map((found) => new URL(found, new URL(address, location.origin)).pathname);
  };

  /* Pages lead to further pages (a ledger to its lines); of those, the ones at hand stay as they are where `light`. */
  const copyAll = async (summary, light, progress) => {
    const known = await summaryIn(storeOf(summary.mission));
    const cache = await caches.open(storeOf(summary.mission));
    const at = new Date().toISOString();
    const until = Date.now() + summary.days * DAY;
    if (!known) await note(cache, { until }); // a copy that is broken off has an end too
    const pages = [...summary.pages];
    const parts = new Set();
    for (let done = 0; done < pages.length; done += 1) {
      progress(done, pages.length);
      if (light && done >= summary.pages.length && (await cache.match(pages[done]))) continue;
      const page = await copyPage(cache, pages[done], at);
      const lines = [...page.querySelectorAll("a[data-carry-line]")].map((link) => link.getAttribute("href"));
      pages.push(...lines.filter((address) => !pages.includes(address)));
      partsOf(page).forEach((part) => parts.add(part));
    }
    for (const part of parts) {
      if (await cache.match(part)) continue;
      (await copyPart(cache, part)).forEach((further) => parts.add(further));
    }
    await note(cache, { ...summary, person, at, until, stale: false });
  };

  const take = async (summary, progress) => {
    const known = await summaryIn(storeOf(summary.mission));
    try {
      await navigator.serviceWorker.register("/travailleur.js");
      await navigator.serviceWorker.ready;
      await copyAll(summary, false, progress);
    } catch (error) {
      if (!known) await caches.delete(storeOf(summary.mission));
      throw error;
    }
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist(); // some browsers ask the person
  };

  /* What was sent makes copies old: that of the line it changed goes, the others are renewed by `refresh`. */
  const outdate = async (address, line) => {
    const mission = (address.match(/\/controles\/(\d+)\//) || [])[1];
    const summary = able ? await summaryIn(storeOf(mission)) : null;
    if (!summary) return;
    const cache = await caches.open(storeOf(mission));
    for (const request of line ? await cache.keys() : []) {
      if (new URL(request.url).searchParams.get("line_id") === line) await cache.delete(request);
    }
    await note(cache, { ...summary, stale: true });
  };
  const refresh = async () => {
    for (const summary of (await list()).filter((one) => one.stale && one.person === person)) {
      await copyAll(summary, true, () => {}).catch(() => {}); // without network the old copy is the best there is
    }
  };
  const forget = async () => {
    const names = able ? (await caches.keys()).filter((name) => name.startsWith(PREFIX)) : [];
    await Promise.all(names.map((name) => caches.delete(name)));
  };

  /* The part of a control's page where it is taken along. */
  const panel = document.querySelector("[data-carry]");
  const showPanel = async () => {
    const summary = await summaryIn(storeOf(panel.dataset.carry));
    panel.querySelectorAll("[data-carry-in]").forEach((part) => (part.hidden = !summary));
    panel.querySelectorAll("[data-carry-out]").forEach((part) => (part.hidden = Boolean(summary)));
    if (summary) tell(panel.querySelector("[data-carry-at]"), summary.at);
    panel.hidden = false;
  };
  const busy = async (work) => {
    const [wait, said] = [panel.querySelector("[data-carry-busy]"), panel.querySelector("[data-carry-said]")];
    const buttons = panel.querySelectorAll("button");
    buttons.forEach((button) => (button.disabled = true));
    wait.hidden = false;
    said.textContent = await work().catch(() => panel.dataset.failed);
    wait.hidden = true;
    buttons.forEach((button) => (button.disabled = false));
    await showPanel();
  };
  const takeHere = async () => {
    const [bar, { carry, carryName, carryPages, carryDays }] = [panel.querySelector("progress"), panel.dataset];
    const summary = { mission: carry, name: carryName, pages: carryPages.split(" "), days: Number(carryDays) };
    await take(summary, (done, most) => {
      bar.max = most;
      bar.value = done;
    });
    return "";
  };
  const dropHere = async () => {
    await caches.delete(storeOf(panel.dataset.carry));
    return panel.dataset.gone;
  };
  if (panel && able) {
    panel.addEventListener("click", (event) => {
      if (event.target.closest("[data-carry-take]")) busy(takeHere);
      if (event.target.closest("[data-carry-drop]")) busy(dropHere);
    });
    if (panel.dataset.carryPages) showPanel();
    else caches.delete(storeOf(panel.dataset.carry)); // the control is over, or not this person's: no copy is needed
  }

  /* A copy says that it is one; the page that stands in for all others lists what there is. */
  const copied = document.documentElement.dataset.carried;
  const shelf = document.querySelector("[data-carried]:not(html)");
  const notice = document.getElementById("carried-copy");
  if (copied && notice && !shelf) {
    tell(notice.querySelector("time"), copied);
    notice.hidden = false;
  }
  const showShelf = async () => {
    const found = await list();
    document.querySelector("[data-carried-none]").hidden = found.length > 0;
    found.forEach((summary) => {
      const line = document.getElementById("carried-one").content.cloneNode(true);
      line.querySelector("a").href = summary.pages[0];
      line.querySelector("a").textContent = summary.name;
      tell(line.querySelector("time"), summary.at);
      shelf.append(line);
    });
  };
  if (shelf) showShelf();

  return { list, moment, outdate, refresh, forget };
})();
