// Sound, keys and the language switch: what a page cannot say in Python.
(() => {
  let audio = null;
  const ready = () => {
    audio = audio || new AudioContext();
    if (audio.state === "suspended") audio.resume();
  };
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, ready, { passive: true });

  // Two tones, falling: made here, so there is no file to fetch.
  window.syAlarm = () => {
    document.body.dataset.alarms = String(Number(document.body.dataset.alarms || 0) + 1);
    ready();
    const at = audio.currentTime;
    for (const [n, tone] of [[0, 880], [1, 660], [2, 880], [3, 660]]) {
      const wave = audio.createOscillator();
      const gain = audio.createGain();
      wave.frequency.value = tone;
      gain.gain.setValueAtTime(0.0001, at + n * 0.22);
      gain.gain.exponentialRampToValueAtTime(0.25, at + n * 0.22 + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + n * 0.22 + 0.2);
      wave.connect(gain).connect(audio.destination);
      wave.start(at + n * 0.22);
      wave.stop(at + n * 0.22 + 0.21);
    }
  };

  window.syCookie = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    const url = new URL(location.href);
    url.searchParams.delete("lang");
    history.replaceState(null, "", url);
    location.reload();
  };

  // What is filtered stands in the address, so that a reload and a sent link show the same.
  window.syAddress = (query) => {
    const url = new URL(location.href);
    for (const [key, value] of Object.entries(query)) {
      if (value) url.searchParams.set(key, value);
      else url.searchParams.delete(key);
    }
    history.replaceState(null, "", url);
  };

  window.syChoose = (n) => {
    const rows = document.querySelectorAll(".sy-row");
    rows.forEach((row, at) => row.classList.toggle("sy-chosen", at === n));
    rows[n]?.scrollIntoView({ block: "nearest" });
  };

  // A stretch of time as a bar, for the chart of windows.
  window.syBand = (api) => {
    const from = api.coord([api.value(1), api.value(0)]);
    const to = api.coord([api.value(2), api.value(0)]);
    const shape = { x: from[0], y: from[1] - 8, width: Math.max(1, to[0] - from[0]), height: 16 };
    return { type: "rect", shape, style: { fill: api.visual("color") } };
  };

  window.sySignOut = () => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = "/sign-out";
    document.body.append(form);
    form.submit();
  };
})();
