"""The one stream of epochs, and the stages that one puts around it."""
