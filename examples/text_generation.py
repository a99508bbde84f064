"""Text generation: an LSTM reads sentences letter by letter, then goes on from "The quick brown fox".

The loop is your own, in plain PyTorch with one import from throughtime; the text is what Python's help() says of the
language. Comments name the usual mistakes. Run it: python examples/text_generation.py
"""

from __future__ import annotations

import re
from pydoc_data.topics import topics
from random import Random

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from throughtime.nn import LSTM  # the only line that is not PyTorch

PADDING, EDGE, UNKNOWN = 0, 1, 2  # ids that are no character; a sentence has an EDGE before and after it


class Writer(nn.Module):
    """Logits of the next character: any real numbers, not probabilities."""

    def __init__(self, characters: int, hidden: int = 160) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, 32, padding_idx=PADDING)
        self.lstm = LSTM(32, hidden, batch_first=True)
        self.output = nn.Linear(hidden, characters)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        # Packed, the LSTM stops at each sentence's own end. Unpacked it would read the padding as if it were text.
        packed = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        return self.output(pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0])

    @torch.no_grad()
    def write(self, prompt: list[int], length: int) -> list[int]:
        """Greedy: always the likeliest, which soon goes in circles; sampling does not. Each character is read once:
        the state carries what came before it.
        """
        written: list[int] = []
        states, state = self.lstm(self.embedding(torch.tensor([EDGE, *prompt])))
        while len(written) < length and (likeliest := int(self.output(states[-1]).argmax())) != EDGE:
            written.append(likeliest)
            states, state = self.lstm(self.embedding(torch.tensor([likeliest])), state)
        return written


def loss_of(model: Writer, batch: list[Tensor]) -> tuple[Tensor, int]:
    """Nats per character over some sentences, and how many characters that were."""
    ids, lengths = pad_sequence(batch, True, PADDING), torch.tensor([len(line) - 1 for line in batch])
    logits, targets = model(ids[:, :-1], lengths), ids[:, 1:]  # at every step the target is the character after it
    # cross_entropy wants logits: a softmax before it would be a second one. Padding is masked: else the model would be
    # praised for predicting it, and the loss would depend on which sentences happen to share a batch.
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PADDING)
    return loss, int(lengths.sum())


@torch.no_grad()
def score(model: Writer, part: list[Tensor]) -> float:
    """Nats per character over a part; every character weighs the same, whatever batch it fell into."""
    found = [loss_of(model, part[i : i + 64]) for i in range(0, len(part), 64)]
    return sum(float(loss) * count for loss, count in found) / sum(count for _, count in found)


def main(epochs: int = 4, prompt: str = "The quick brown fox", seed: int = 0) -> dict[str, float | str]:
    torch.manual_seed(seed)
    text = " ".join(" ".join(topics.values()).split())
    lines = [line for line in re.split(r"(?<=[.:;!?]) (?=[A-Z])", text) if 20 <= len(line) <= 160]
    first, second = int(len(lines) * 0.8), int(len(lines) * 0.9)  # in reading order: the end is kept apart
    alphabet = sorted(set("".join(lines[:first])))  # of what is learned from, alone
    number = {character: i for i, character in enumerate(alphabet, UNKNOWN + 1)}
    # An embedding looks up ids: whole numbers, one for each character. Words or letters it cannot take.
    ids = [torch.tensor([EDGE, *(number.get(c, UNKNOWN) for c in line), EDGE]) for line in lines]
    train, validation, test = ids[:first], ids[first:second], ids[second:]
    model = Writer(len(number) + 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(epochs):
        Random(epoch).shuffle(train)
        for i in range(0, len(train), 32):
            optimizer.zero_grad()
            loss_of(model, train[i : i + 32])[0].backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # through time, gradients can explode
            optimizer.step()
        print(f"epoch {epoch + 1}, validation: {score(model, validation):.3f} nats per character")
    counts = torch.bincount(torch.cat([line[1:] for line in train]), minlength=len(number) + 3) + 1
    unigram = -(counts / counts.sum()).log()[torch.cat([line[1:] for line in test])].mean().item()
    found = {"lstm": score(model, test), "unigram": unigram}
    print("sentences it never saw: " + ", ".join(f"{name} {nats:.3f}" for name, nats in found.items()))
    written = prompt + "".join(
        alphabet[i - 3] if i > UNKNOWN else "?" for i in model.write([number.get(c, UNKNOWN) for c in prompt], 100)
    )
    print(written)
    return {**found, "written": written}


if __name__ == "__main__":
    torch.set_num_threads(1)  # so small a model gains nothing from more
    main()
