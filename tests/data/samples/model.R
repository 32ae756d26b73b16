library(dplyr)
require("ggplot2")
source("helpers.R")

LIMIT <- 10
name = "model"

# Fits a model
# to the data.
fit <- function(data, formula = y ~ x) {
  model <- lm(formula, data = data)
  summarise_model(model)
}

#' Draws it.
plot_model = function(model) ggplot2::ggplot(model)

.helper <- function(x) {
  x * 2
}

setClass("Person", representation(name = "character"))

setGeneric("greet", function(object) standardGeneric("greet"))
