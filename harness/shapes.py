"""The axes of every tensor that crosses a border between rooms, named once.

=========== ==================================================================================
axis        meaning
=========== ==================================================================================
images      images of one batch or table
classes     class names, in the order of the labels 0 .. classes - 1
tokens      positions of the text tower, start-of-text first
runs        trainings that are computed together
n_ctx       learned context vectors of one prompt
width       channels inside the text tower (token embeddings, context vectors)
dim         channels of the joint embedding space (image and text features)
vocabulary  rows of the text tower's token table
height, w   pixels
=========== ==================================================================================
"""

from jaxtyping import Float, Int
from torch import Tensor

Images = Float[Tensor, "images 3 height w"]
ImageFeatures = Float[Tensor, "images dim"]
TextFeatures = Float[Tensor, "classes dim"]
Logits = Float[Tensor, "images classes"]
Labels = Int[Tensor, " images"]
TokenTable = Float[Tensor, "vocabulary width"]
UnifiedContext = Float[Tensor, "n_ctx width"]
ClassSpecificContext = Float[Tensor, "classes n_ctx width"]
Context = UnifiedContext | ClassSpecificContext
Contexts = Float[Tensor, "runs n_ctx width"] | Float[Tensor, "runs classes n_ctx width"]
TextFeaturesOfRuns = Float[Tensor, "runs classes dim"]
PromptEmbeddings = Float[Tensor, "classes tokens width"]
