// A figure whose runs are trained while it is on screen, by a button: Train, Pause, Again.
import { button } from "./controls.js";
import { animation, calm } from "./ui.js";

// `done` says how many of the `steps` the run has taken, `train` takes those of one frame, `finish` looks at a run that
// is over (true: it has begun another one by itself), `again` begins a new one, `paused` is told of a press on Pause.
// `draw(now)` paints, every `every` frames. Where the reader wants no motion, pictures stay until the new ones are
// done; those of a training that the reader has started are painted at times.
export function trainer(app, { steps, done, train, finish, again, draw, every = 1, paused = () => {} }) {
  let started = false; // it has been on screen
  let wanted = false; // asked for before that
  let quiet = false; // paint nothing before the end
  let frames = 0;

  const play = button("Train", () => {
    if (player.playing) {
      player.pause();
      paused();
    } else {
      if (done() >= steps) again();
      player.play();
    }
    show(true);
  }, { class: "main" });

  const player = animation(app, () => {
    train();
    const over = done() >= steps;
    if (over) {
      if (finish()) return true;
      player.pause();
      quiet = false;
    }
    frames += 1;
    if (over || (calm() ? !quiet && frames % 40 === 0 : frames % every === 0)) show(over);
    return !over;
  }, { seen: () => {
    started = true;
    quiet = calm() && wanted;
    if (!calm() || wanted) player.play();
    show(true);
  } });

  function show(now = false) {
    play.textContent = player.playing ? "Pause" : done() >= steps ? "Again" : "Train";
    draw(now);
  }

  return {
    play,
    show,
    // `make` a new run. `go`: it is trained at once. `asked`: a link or the page's address wants it.
    renew(make, go = false, asked = false) {
      wanted = asked && !started;
      quiet = calm() && started && (asked || done() > 0);
      make();
      if (go || (started && (quiet || !calm()))) player.play();
      if (!quiet) show(true);
    },
  };
}
