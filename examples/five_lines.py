"""A model of a text, with the loop that comes with it: python examples/five_lines.py"""

from pydoc_data.topics import topics

from throughtime import LanguageModel

model = LanguageModel(cell="lstm", hidden=128)
model.fit("\n".join(topics.values()), minutes=0.3, quiet=False)
print("".join(model.write("The Python ", length=200, temperature=0.7, seed=1)))
