"""Use a trained model from Python. Cells run in Jupyter or VS Code, or all at once:

python examples/translate.py runs/faces photo.jpg
"""

# %% A run folder is all that is needed; it may have been moved here from another machine.
import sys

import numpy as np

import portrayal

run, photo = sys.argv[1:3]
translator = portrayal.load(run)
print(f"{translator.config['recipe']}, step {translator.about['step']}, on {translator.device}")

# %% A path, a PIL image, the bytes of a file or an array all go in; a PIL image comes out.
picture = translator(photo)
picture.save("translated.png")  # in a notebook, `picture` alone shows it

# %% A photograph much larger than the training pictures: translate at the size the model knows.
portrait = translator(photo, resize=True)
print(f"{picture.size} and {portrait.size} are the size of the photograph")

# %% Arrays are uint8 RGB of shape (H, W, 3); many of one size go together.
frames = [np.full((64, 64, 3), level, np.uint8) for level in (0, 128, 255)]
answers = translator.translate_all(frames)
print(len(answers), answers[0].shape, answers[0].dtype)
